import { stat } from './stat.ts';

/** A file as it was at some time. */
export interface FileIdentity {
  path: string;
  /** Changes with the file's content, place or time. */
  identity: string;
}

/** Throws `not-found` when it is not there. */
export function identityOf(path: string): FileIdentity {
  const { device, inode, sizeBytes, modifiedNs, changedNs } = stat(path);
  return { path, identity: `${device}/${inode}/${sizeBytes}/${modifiedNs}/${changedNs}` };
}
