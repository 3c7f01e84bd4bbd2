import type { JsonValue } from './parse-json.ts';
import { absolutePath, list, map, matching, object, oneOf, text, withoutNulls } from './shape.ts';

/** What is said of a volume that a guest mounts itself (`mountInfo.json`): upstream's fields, in camel case. */
export interface MountInfo {
  /** A block device of the host, or a file that holds what one would. */
  device: string;
  fsType: string;
  options: string[];
  /** The group that the volume's files are given to, and when. */
  fsGroup: { id: number; always: boolean } | null;
  /** Wishes that are upstream's `encryptionKey` and `createFilesystem`, in the agent's words. */
  driverOptions: string[];
}

const shape = object(
  {
    'volume-type': oneOf('block', 'directvol', 'rawblock'),
    device: absolutePath,
    fstype: matching(/^[\w.-]+$/, 'a type of file system'),
    metadata: map(text),
    options: list(text),
  },
  ['volume-type', 'device', 'fstype'],
);
const group = matching(/^\d{1,9}$/, "a group's number");
const policy = oneOf('Always', 'OnRootMismatch');

/** Throws `invalid-argument` that names the field. */
export function checkMountInfo(json: JsonValue): MountInfo {
  const value = withoutNulls(json);
  shape(value, '');
  const {
    device,
    fstype,
    metadata = {},
    options = [],
  } = value as unknown as {
    device: string;
    fstype: string;
    metadata?: Record<string, string>;
    options?: string[];
  };
  const { fsGroup, fsGroupChangePolicy, encryptionKey, createFilesystem } = metadata;
  if (fsGroup !== undefined) group(fsGroup, "metadata['fsGroup']");
  if (fsGroupChangePolicy !== undefined) policy(fsGroupChangePolicy, "metadata['fsGroupChangePolicy']");
  return {
    device,
    fsType: fstype,
    options,
    fsGroup: fsGroup === undefined ? null : { id: Number(fsGroup), always: fsGroupChangePolicy !== 'OnRootMismatch' },
    driverOptions: [
      ...(encryptionKey === undefined ? [] : [`encryption_key=${encryptionKey}`]),
      ...(createFilesystem === 'true' ? ['create_filesystem'] : []),
    ],
  };
}
