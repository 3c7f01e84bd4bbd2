import { KataError } from '../errors/kata-error.ts';
import { listDirectoryIfExists, makeDirectories, makeDirectory, removeTree } from '../os/directory.ts';
import { readTextIfExists, writeFileAtomic } from '../os/file.ts';
import { randomHex } from '../os/random.ts';
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
  detached: boolean;
  /** How it ended, once that is known to be so. */
  exit?: { status: number; atMs: number };
}

export function containerDirectory(id: string): string {
  return `${CONTAINERS}/${id}`;
}

/** A new id, 64 hexadecimal digits. */
export function newContainerId(): string {
  return randomHex(32);
}

/** Makes the container's folder with its record. `already-exists` when another has the name. */
export function addContainer(record: ContainerRecord): string {
  makeDirectories(CONTAINERS, 0o700);
  const taken = listContainers().find(({ name }) => name === record.name);
  if (taken !== undefined)
    throw new KataError('already-exists', `the name ${record.name} is taken by container ${taken.id.slice(0, 12)}`, {
      hint: `choose another, or kata-runtime rm ${record.name}`,
    });
  const directory = containerDirectory(record.id);
  makeDirectory(directory, 0o700);
  saveContainer(record);
  return directory;
}

export function saveContainer(record: ContainerRecord): void {
  writeFileAtomic(`${containerDirectory(record.id)}/${RECORD}`, JSON.stringify(record), 0o600);
}

/** Every container, the newest first. A folder without a readable record is one that is being made, or being removed. */
export function listContainers(): ContainerRecord[] {
  const records: ContainerRecord[] = [];
  for (const id of listDirectoryIfExists(CONTAINERS)) {
    const text = readTextIfExists(`${containerDirectory(id)}/${RECORD}`);
    if (text !== null) records.push(JSON.parse(text) as ContainerRecord);
  }
  return records.sort((one, other) => other.createdAtMs - one.createdAtMs);
}

/** The container of this name, id, or beginning of an id. `not-found`, or `invalid-argument` when several begin so. */
export function findContainer(reference: string): ContainerRecord {
  return matchContainer(reference, listContainers());
}

export function removeContainerDirectory(id: string): void {
  removeTree(containerDirectory(id));
}
