import { KataError } from '../errors/kata-error.ts';
import { listDirectoryIfExists, makeDirectories, makeDirectory, removeTree } from '../os/directory.ts';
import { readTextIfExists, writeFile, writeFileAtomic } from '../os/file.ts';
import { randomHex } from '../os/random.ts';
import { tryLockContainer, withStoreLock } from './container-lock.ts';
import { matchContainer } from './match-container.ts';

/** Containers that kata-runtime made, a folder each, which is the bundle too. Gone with the machine's start, as they are. */
export const CONTAINERS = '/run/kata-runtime';

const RECORD = 'container.json';

/** What is known of a container beside what its shim knows. */
export interface ContainerRecord {
  id: string;
  name: string;
  /** As the user named it. */
  image: string;
  imageDigest: string;
  command: string[];
  createdAtMs: number;
  /** `run --rm`: it goes when it ends. */
  autoRemove: boolean;
  terminal: boolean;
  /** `-i`. */
  stdin: boolean;
  detached: boolean;
  /** The signal that asks it to end, by number. */
  stopSignal: number;
  /** How it ended, once that is known to be so. */
  exit?: ContainerExit;
}

export interface ContainerExit {
  status: number;
  atMs: number;
}

export function containerDirectory(id: string): string {
  return `${CONTAINERS}/${id}`;
}

/** The files that keep what a container puts out. */
export function logFiles(id: string): { stdout: string; stderr: string } {
  const directory = containerDirectory(id);
  return { stdout: `${directory}/stdout.log`, stderr: `${directory}/stderr.log` };
}

/** A new id, 64 hexadecimal digits. */
export function newContainerId(): string {
  return randomHex(32);
}

/** The first 12 digits, which are shown. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/**
 * Makes the container's folder with its record, and says what lock is held on it. `already-exists` when another has the
 * name.
 */
export function addContainer(record: ContainerRecord): number {
  makeDirectories(CONTAINERS, 0o700);
  return withStoreLock(() => {
    const taken = listContainers().find(({ name }) => name === record.name);
    if (taken !== undefined)
      throw new KataError('already-exists', `the name ${record.name} is taken by container ${shortId(taken.id)}`, {
        hint: `choose another, or: kata-runtime rm ${record.name}`,
      });
    makeDirectory(containerDirectory(record.id), 0o700);
    const lock = tryLockContainer(record.id);
    if (lock === null) throw new KataError('internal', `a new container is expected to be ours, ${record.id} is not`);
    // The shim writes its log where one is, as into the FIFO that containerd makes.
    writeFile(`${containerDirectory(record.id)}/log`, '', 0o600);
    saveContainer(record);
    return lock;
  });
}

export function saveContainer(record: ContainerRecord): void {
  writeFileAtomic(`${containerDirectory(record.id)}/${RECORD}`, JSON.stringify(record), 0o600);
}

/** The record as it is now; null when the container is gone. */
export function readContainer(id: string): ContainerRecord | null {
  const text = readTextIfExists(`${containerDirectory(id)}/${RECORD}`);
  return text === null ? null : (JSON.parse(text) as ContainerRecord);
}

/** Every container, the newest first. A folder without a record is one that is being made, or being removed. */
export function listContainers(): ContainerRecord[] {
  return listDirectoryIfExists(CONTAINERS)
    .map(readContainer)
    .filter((record) => record !== null)
    .sort((one, other) => other.createdAtMs - one.createdAtMs);
}

/** The container of this name, id, or beginning of an id. `not-found`, or `invalid-argument` when several begin so. */
export function findContainer(reference: string): ContainerRecord {
  return matchContainer(reference, listContainers());
}

export function removeContainerDirectory(id: string): void {
  removeTree(containerDirectory(id));
}
