import { KataError } from '../../errors/kata-error.ts';
import { listDirectory } from '../../os/directory.ts';
import { close, O, open, readSync } from '../../os/fd.ts';
import { readFile, readlink } from '../../os/file.ts';
import { randomHex } from '../../os/random.ts';
import { lstat, S, type Stat, stat } from '../../os/stat.ts';
import { utf8Encode } from '../../os/utf8.ts';
import type { AgentClient } from '../agent-client.ts';
import { GUEST_SHARED } from '../guest-paths.ts';

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

/** Where a copy of `source` for this container is to stand in the guest: the agent removes it with the container. */
export function guestCopyPath(containerId: string, source: string): string {
  const name = source.slice(source.lastIndexOf('/') + 1).replaceAll(/[^\w.-]/g, '_') || 'root';
  return `${GUEST_SHARED}/${containerId}-${randomHex(8)}-${name}`;
}

/**
 * Copies a file or a folder of the host to `target` in the guest. Symlinks are copied as they are; `source` itself may
 * be one and is followed, as a bind mount follows it.
 * Throws `unimplemented` for a socket or a device, `resource-exhausted` above 64 MiB or 4096 files.
 */
export async function copyToGuest(client: AgentClient, source: string, target: string): Promise<void> {
  const budget = { bytes: LIMIT_BYTES, entries: LIMIT_ENTRIES, source };
  await copy(client, source, stat(source), target, budget);
}

/** The same in two steps, for a small folder that may be gone at any moment: reads it now; the result sends it. */
export function readForGuest(client: AgentClient, source: string, target: string): () => Promise<void> {
  const pieces: (() => Promise<void>)[] = [];
  readTree(client, source, target, pieces, { bytes: LIMIT_BYTES, entries: LIMIT_ENTRIES, source });
  return async () => {
    for (const send of pieces) await send();
  };
}

function readTree(client: AgentClient, path: string, target: string, pieces: (() => Promise<void>)[], budget: Budget) {
  const of = lstat(path);
  spend(budget, of);
  switch (of.mode & S.IFMT) {
    case S.IFREG: {
      const content = readFile(path);
      pieces.push(() => sendContent(client, of, target, content));
      return;
    }
    case S.IFLNK: {
      const link = utf8Encode(readlink(path));
      pieces.push(() => send(client, of, target, 0, link, 0));
      return;
    }
    case S.IFDIR:
      pieces.push(() => send(client, of, target, 0, new Uint8Array(0), 0));
      for (const name of listDirectory(path)) readTree(client, `${path}/${name}`, `${target}/${name}`, pieces, budget);
      return;
    default:
      throw notCopied(path);
  }
}

async function sendContent(client: AgentClient, of: Stat, target: string, content: Uint8Array): Promise<void> {
  let offset = 0;
  do {
    const piece = content.subarray(offset, offset + CHUNK_BYTES);
    await send(client, of, target, content.length, piece, offset);
    offset += piece.length;
  } while (offset < content.length);
}

/** Copies a folder without what is in it. */
export async function copyFolder(client: AgentClient, source: string, target: string): Promise<void> {
  await send(client, stat(source), target, 0, new Uint8Array(0), 0);
}

/** Copies a symlink; with `to` it leads there. */
export async function copyLink(
  client: AgentClient,
  source: string,
  target: string,
  to = readlink(source),
): Promise<void> {
  await send(client, lstat(source), target, 0, utf8Encode(to), 0);
}

async function copy(client: AgentClient, path: string, of: Stat, target: string, budget: Budget): Promise<void> {
  spend(budget, of);
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
      throw notCopied(path);
  }
}

function notCopied(path: string): KataError {
  return new KataError('unimplemented', `${path} is a socket, a FIFO or a device: it cannot be copied into a guest`, {
    hint: 'a device is given with linux.devices; sockets of the host do not reach into a VM',
  });
}

function spend(budget: Budget, of: Stat): void {
  budget.entries--;
  if ((of.mode & S.IFMT) === S.IFREG) budget.bytes -= of.sizeBytes;
  if (budget.bytes < 0 || budget.entries < 0)
    throw new KataError(
      'resource-exhausted',
      `${budget.source} is mounted into a container and would be copied, it has more than ${LIMIT_BYTES >> 20} MiB or ${LIMIT_ENTRIES} files`,
      { hint: 'without a shared file system only small folders can be mounted; put the data into the image' },
    );
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
