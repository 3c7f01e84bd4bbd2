import { KataError } from '../../errors/kata-error.ts';

/** A device's place on its bus. */
export interface PciSlot {
  slot: number;
  function: number;
}

/** The way to a PCI device: the bridges' slots on the way, the device's own last. */
export interface PciPath {
  /** The number of the root bus, two hexadecimal digits: `00` but with NUMA. */
  rootBus: string;
  slots: PciSlot[];
}

const SLOT = /^([01]?[0-9a-f])(?:\.([0-7]))?$/i;

/**
 * Reads `02/01`: behind the bridge in slot 2 the device in slot 1, in hexadecimal, each with an optional `.function`.
 * Of three and more parts the first is the root bus, `20/00/02`: that is how upstream's runtime writes it under NUMA.
 */
export function parsePciPath(text: string): PciPath {
  const parts = text.split('/');
  const rootBus = parts.length > 2 ? parts.shift()! : '00';
  const slots = parts.map((part) => {
    const found = part.match(SLOT);
    return found ? { slot: Number.parseInt(found[1]!, 16), function: Number(found[2] ?? 0) } : null;
  });
  if (!/^[0-9a-f]{2}$/i.test(rootBus) || slots.includes(null))
    throw new KataError('invalid-argument', `a PCI path like 02/01 is expected, found ${JSON.stringify(text)}`);
  return { rootBus: rootBus.toLowerCase(), slots: slots as PciSlot[] };
}

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

/** The folder of the root bus, below `/sys/devices`. */
export function rootBusFolder({ rootBus }: PciPath): string {
  return `pci0000:${rootBus}`;
}

/** The folder of the device in `slot` of a bus, as sysfs names both: bus `0000:01` gives `0000:01:02.0`. */
export function deviceFolder(bus: string, { slot, function: fn }: PciSlot): string {
  return `${bus}:${hex(slot, 2)}.${fn}`;
}
