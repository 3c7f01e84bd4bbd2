import { KataError } from '../../errors/kata-error.ts';
import { concatenate } from '../bytes.ts';
import { Attributes, AttributeWriter } from './attribute.ts';
import { type Message, NLM_F, payloadOf, type Request } from './message.ts';

/** Message types of traffic control (rtnetlink(7), tc(8)). */
export const RTM_QDISC = { NEW: 36, DEL: 37, GET: 38 } as const;
const RTM_CLASS = { NEW: 40 } as const;
const RTM_FILTER = { NEW: 44, DEL: 45 } as const;

/** Places in an interface's tree of queueing disciplines (`linux/pkt_sched.h`). */
const TC_H = { ROOT: 0xffff_ffff, INGRESS: 0xffff_fff1 } as const;
const INGRESS_HANDLE = 0xffff_0000;
/** Where filters of what is received are, in `ingress` and in `clsact`. */
const INGRESS_FILTERS = 0xffff_fff2;

const TCA = { KIND: 1, OPTIONS: 2 } as const;
const TCA_U32 = { SEL: 5, ACT: 7 } as const;
const TCA_ACT = { KIND: 1, OPTIONS: 2 } as const;
const TCA_MIRRED_PARMS = 2;
const TCA_HTB = { PARMS: 1, INIT: 2, RATE64: 6, CEIL64: 7 } as const;

const TC_U32_TERMINAL = 1;
const TC_ACT_STOLEN = 4;
const TCA_EGRESS_REDIR = 1;
const TC_LINKLAYER_ETHERNET = 1;
/** ETH_P_ALL in the order of the network. */
const EVERY_PROTOCOL = 0x0300;
const HEADER = 20;
/** Time is told to the kernel in units of 64 ns. */
const NS_SHIFT = 6n;

/** struct tcmsg: family, interface, handle, parent, information. */
function header(link: number, handle: number, parent: number, info = 0): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const fields = new DataView(bytes.buffer);
  fields.setInt32(4, link, true);
  fields.setUint32(8, handle, true);
  fields.setUint32(12, parent, true);
  fields.setUint32(16, info, true);
  return bytes;
}

/** A queueing discipline of an interface. */
export interface Qdisc {
  link: number;
  handle: number;
  /** `ingress`, `clsact`, `htb`, `noqueue`. */
  kind: string;
}

/** The queueing discipline in an RTM_NEWQDISC message. */
export function decodeQdisc({ payload }: Message): Qdisc {
  const fields = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    link: fields.getInt32(4, true),
    handle: fields.getUint32(8, true),
    kind: new Attributes(payload.subarray(HEADER)).string(TCA.KIND) ?? '',
  };
}

/** Asks for the queueing disciplines of all interfaces. */
export function listQdiscs(): Request {
  return { type: RTM_QDISC.GET, flags: 0, payload: header(0, 0, 0), what: 'list the queueing disciplines' };
}

/** Gives an interface a place for filters on what it receives; one that it has already, or `clsact`, is `EEXIST`. */
export function addIngress(link: number): Request {
  return {
    type: RTM_QDISC.NEW,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    payload: payloadOf(
      header(link, INGRESS_HANDLE, TC_H.INGRESS),
      new AttributeWriter().string(TCA.KIND, 'ingress').encoded(),
    ),
    what: `filter what interface ${link} receives`,
  };
}

/** Takes it away, with all filters in it. None is `EINVAL` or `ENOENT`. */
export function deleteIngress(link: number): Request {
  return {
    type: RTM_QDISC.DEL,
    flags: 0,
    payload: header(link, INGRESS_HANDLE, TC_H.INGRESS),
    what: `filter no longer what interface ${link} receives`,
  };
}

/** Sends everything that one interface receives out by another one. The first needs its ingress. */
export interface Redirect {
  from: number;
  to: number;
  /** The smaller goes first among filters; 1 to 65535. It names the filter when it is deleted. */
  priority: number;
}

/** As tc-u32(8) and tc-mirred(8): `protocol all u32 match u8 0 0 action mirred egress redirect dev …`. */
export function addRedirect({ from, to, priority }: Redirect): Request {
  const attributes = new AttributeWriter().string(TCA.KIND, 'u32').nested(TCA.OPTIONS, (options) =>
    options.bytes(TCA_U32.SEL, everything()).nested(TCA_U32.ACT, (actions) =>
      // Actions are numbered from 1, in the attribute's type.
      actions.nested(1, (action) =>
        action
          .string(TCA_ACT.KIND, 'mirred')
          .nested(TCA_ACT.OPTIONS, (mirred) => mirred.bytes(TCA_MIRRED_PARMS, redirectTo(to))),
      ),
    ),
  );
  return {
    type: RTM_FILTER.NEW,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    payload: payloadOf(header(from, 0, INGRESS_FILTERS, filterInfo(priority)), attributes.encoded()),
    what: `redirect what interface ${from} receives to interface ${to}`,
  };
}

/** None is `ENOENT` or `EINVAL`. */
export function deleteRedirect({ from, priority }: Omit<Redirect, 'to'>): Request {
  return {
    type: RTM_FILTER.DEL,
    flags: 0,
    payload: payloadOf(
      header(from, 0, INGRESS_FILTERS, filterInfo(priority)),
      new AttributeWriter().string(TCA.KIND, 'u32').encoded(),
    ),
    what: `redirect no longer what interface ${from} receives`,
  };
}

const filterInfo = (priority: number): number => ((priority << 16) | EVERY_PROTOCOL) >>> 0;

/** struct tc_u32_sel with one key, which compares no bit. */
function everything(): Uint8Array {
  const selector = new Uint8Array(16 + 16);
  selector[0] = TC_U32_TERMINAL;
  selector[2] = 1;
  return selector;
}

/** struct tc_mirred. */
function redirectTo(link: number): Uint8Array {
  const words = new Int32Array(7);
  words[2] = TC_ACT_STOLEN;
  words[5] = TCA_EGRESS_REDIR;
  words[6] = link;
  return new Uint8Array(words.buffer);
}

/** The least that goes out at once, however slow: a packet that a guest leaves to be cut has 64 KiB. */
const MIN_BURST_BYTES = 65_536n + 1514n;
/** What goes out at once, as a part of what goes in a second. */
const BURSTS_PER_SECOND = 100n;
const MAJOR = 0x0001_0000;

/** Lets an interface send no more than so many bits a second (tc-htb(8)): a discipline, a class, and a leaf within it, as upstream. */
export function limitRate(link: number, bitsPerSecond: bigint): Request[] {
  if (bitsPerSecond < 8n)
    throw new KataError('invalid-argument', `a rate of at least 8 bit/s is expected, found ${bitsPerSecond}`);
  const what = `limit interface ${link} to ${bitsPerSecond} bit/s`;
  const flags = NLM_F.CREATE | NLM_F.EXCL;
  const discipline = new AttributeWriter()
    .string(TCA.KIND, 'htb')
    // struct tc_htb_glob: version, rate to quantum, the class for all that no filter names.
    .nested(TCA.OPTIONS, (options) => options.bytes(TCA_HTB.INIT, words(3, 10, 2, 0, 0)));
  const shape = new AttributeWriter()
    .string(TCA.KIND, 'htb')
    .nested(TCA.OPTIONS, (options) => writeRate(options, bitsPerSecond / 8n))
    .encoded();
  return [
    {
      type: RTM_QDISC.NEW,
      flags: NLM_F.CREATE | NLM_F.REPLACE,
      payload: payloadOf(header(link, MAJOR, TC_H.ROOT), discipline.encoded()),
      what,
    },
    { type: RTM_CLASS.NEW, flags, payload: payloadOf(header(link, MAJOR + 1, MAJOR), shape), what },
    { type: RTM_CLASS.NEW, flags, payload: payloadOf(header(link, MAJOR + 2, MAJOR + 1), shape), what },
  ];
}

/** Lets it send as fast as it can. No limit is `ENOENT` or `EINVAL`. */
export function unlimitRate(link: number): Request {
  return {
    type: RTM_QDISC.DEL,
    flags: 0,
    payload: header(link, MAJOR, TC_H.ROOT),
    what: `limit interface ${link} no longer`,
  };
}

const MAX_U32 = 0xffff_ffffn;
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const words = (...values: number[]): Uint8Array => new Uint8Array(new Uint32Array(values).buffer);

function writeRate(options: AttributeWriter, bytesPerSecond: bigint): void {
  const burstBytes = larger(bytesPerSecond / BURSTS_PER_SECOND, MIN_BURST_BYTES);
  const burst = Number(smaller(((burstBytes * 1_000_000_000n) / bytesPerSecond) >> NS_SHIFT, MAX_U32));
  const rate = Number(smaller(bytesPerSecond, MAX_U32));
  // struct tc_ratespec: no table of times comes along, the link layer says so.
  const specification = words(TC_LINKLAYER_ETHERNET << 8, 0, rate);
  // struct tc_htb_opt: rate, ceiling, bursts of both, how much a class may send in its turn, level, priority.
  options.bytes(TCA_HTB.PARMS, concatenate([specification, specification, words(burst, burst, 200_000, 0, 0)]));
  if (bytesPerSecond > MAX_U32) options.u64(TCA_HTB.RATE64, bytesPerSecond).u64(TCA_HTB.CEIL64, bytesPerSecond);
}
