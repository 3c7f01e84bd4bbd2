// Made of types.proto by `npm run generate`. Do not edit.
import { type MessageType, message } from '../codec.ts';

/** Version of the internet protocol. */
export const IPFamily = { v4: 0, v6: 1 } as const;
export type IPFamily = (typeof IPFamily)[keyof typeof IPFamily];

/** When a volume's files are given to its group. */
export const FSGroupChangePolicy = { Always: 0, OnRootMismatch: 1 } as const;
export type FSGroupChangePolicy = (typeof FSGroupChangePolicy)[keyof typeof FSGroupChangePolicy];

/** An address; mask is the prefix length in decimal. */
export interface IPAddress {
  family: IPFamily;
  address: string;
  mask: string;
}
export const IPAddress: MessageType<IPAddress> = /* @__PURE__ */ message('1:family:e 2:address:s 3:mask:s');

/** A network interface as it shall be (or is) in the guest. */
export interface Interface {
  device: string;
  name: string;
  IPAddresses: IPAddress[];
  mtu: bigint;
  hwAddr: string;
  devicePath: string;
  type: string;
  rawFlags: number;
}
export const Interface: MessageType<Interface> = /* @__PURE__ */ message('1:device:s 2:name:s 3:IPAddresses:m* 4:mtu:U 5:hwAddr:s 6:devicePath:s 7:type:s 8:rawFlags:u', () => [IPAddress]);

/** A route; an empty dest is the default route. */
export interface Route {
  dest: string;
  gateway: string;
  device: string;
  source: string;
  scope: number;
  family: IPFamily;
  flags: number;
  mtu: number;
}
export const Route: MessageType<Route> = /* @__PURE__ */ message('1:dest:s 2:gateway:s 3:device:s 4:source:s 5:scope:u 6:family:e 7:flags:u 8:mtu:u');

/** An entry of the neighbour table. */
export interface ARPNeighbor {
  toIPAddress: IPAddress | undefined;
  device: string;
  lladdr: string;
  state: number;
  flags: number;
}
export const ARPNeighbor: MessageType<ARPNeighbor> = /* @__PURE__ */ message('1:toIPAddress:m 2:device:s 3:lladdr:s 4:state:i 5:flags:i', () => [IPAddress]);
