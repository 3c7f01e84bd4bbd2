import { KataError } from '../errors/kata-error.ts';
import { listDirectory } from '../os/directory.ts';
import { close, O, open, readSync } from '../os/fd.ts';
import { readlink } from '../os/file.ts';
import { randomHex } from '../os/random.ts';
import { lstat, S, type Stat, stat } from '../os/stat.ts';
import { utf8Encode } from '../os/utf8.ts';
import type { AgentClient } from './agent-client.ts';
import { GUEST_SHARED } from './guest-paths.ts';

const CHUNK_BYTES = 1 << 20;
const DIRECTORY_MODE = 0o750;
/** Copies live in the guest's memory: more than this is for a shared file system. */
const LIMIT_BYTES = 64 * 1024 * 1024;
const LIMIT_ENTRIES = 4096;

interface Budget {
  bytes: number;
  entries: number;
  source: string;
}

/**
 * Copies a file or a folder of the host to where the agent can bind-mount it into a container, and says where that is.
 * Symlinks are copied as they are; `source` itself may be one and is followed, as a bind mount follows it. Changes on
 * either side do not reach the other.
 * Throws `unimplemented` for a socket or a device, `resource-exhausted` above 64 MiB or 4096 files.
 */
export async function copyToGuest(client: AgentClient, containerId: string, source: string): Promise<string> {
  const name = source.slice(source.lastIndexOf('/') + 1).replaceAll(/[^\w.-]/g, '_') || 'root';
  const target = `${GUEST_SHARED}/${containerId}-${randomHex(8)}-${name}`;
  const budget = { bytes: LIMIT_BYTES, entries: LIMIT_ENTRIES, source };
  await copy(client, source, stat(source), target, budget);
  return target;
}

/** Copies one file to a path in the guest, below its shared folder; what was there is replaced as a whole. */
export async function copyFileToGuest(client: AgentClient, source: string, target: string): Promise<void> {
  await copyRegular(client, source, stat(source), target);
}

async function copy(client: AgentClient, path: string, of: Stat, target: string, budget: Budget): Promise<void> {
  budget.entries--;
  if ((of.mode & S.IFMT) === S.IFREG) budget.bytes -= of.sizeBytes;
  if (budget.bytes < 0 || budget.entries < 0)
    throw new KataError(
      'resource-exhausted',
      `${budget.source} is mounted into a container and would be copied, it has more than ${LIMIT_BYTES >> 20} MiB or ${LIMIT_ENTRIES} files`,
      { hint: 'without a shared file system only small folders can be mounted; put the data into the image' },
    );
  switch (of.mode & S.IFMT) {
    case S.IFREG:
      return copyRegular(client, path, of, target);
    case S.IFLNK:
      return send(client, of, target, 0, utf8Encode(readlink(path)), 0);
    case S.IFDIR:
      await send(client, of, target, 0, new Uint8Array(0), 0);
      for (const name of listDirectory(path))
        await copy(client, `${path}/${name}`, lstat(`${path}/${name}`), `${target}/${name}`, budget);
      return;
    default:
      throw new KataError(
        'unimplemented',
        `${path} is a socket, a FIFO or a device: it cannot be copied into a guest`,
        {
          hint: 'a device is given with linux.devices; sockets of the host do not reach into a VM',
        },
      );
  }
}

async function copyRegular(client: AgentClient, path: string, of: Stat, target: string): Promise<void> {
  const fd = open(path, O.RDONLY);
  try {
    const buffer = new Uint8Array(Math.min(CHUNK_BYTES, of.sizeBytes));
    let offset = 0;
    do {
      const count = readSync(fd, buffer);
      await send(client, of, target, of.sizeBytes, buffer.subarray(0, count), offset);
      if (count === 0) return;
      offset += count;
    } while (offset < of.sizeBytes);
  } finally {
    close(fd);
  }
}

async function send(
  client: AgentClient,
  of: Stat,
  path: string,
  sizeBytes: number,
  data: Uint8Array,
  offset: number,
): Promise<void> {
  await client.agent.copyFile({
    path,
    fileSize: BigInt(sizeBytes),
    fileMode: of.mode,
    dirMode: S.IFDIR | DIRECTORY_MODE,
    uid: of.uid,
    gid: of.gid,
    offset: BigInt(offset),
    data,
  });
}
