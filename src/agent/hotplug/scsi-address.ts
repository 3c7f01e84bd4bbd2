import { KataError } from '../../errors/kata-error.ts';

/** Where a disk is on the one SCSI bus of the VM. */
export interface ScsiAddress {
  target: number;
  lun: number;
}

/** Reads `<target>:<lun>`, both in decimal: `0:3`. */
export function parseScsiAddress(text: string): ScsiAddress {
  const found = text.match(/^(\d{1,3}):(\d{1,5})$/);
  if (!found)
    throw new KataError('invalid-argument', `a SCSI address <target>:<lun> is expected, found ${JSON.stringify(text)}`);
  return { target: Number(found[1]), lun: Number(found[2]) };
}
