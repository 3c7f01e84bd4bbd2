// Volumes as kubelet lays them out on a node.
import fs from 'node:fs';
import path from 'node:path';
import { run } from '../containerd.ts';

/** Kubelet's folder of one pod's volumes, below `root`. */
export class KubeletVolumes {
  readonly #pod: string;
  #swaps = 0;

  constructor(root: string, podUid: string) {
    this.#pod = path.join(root, 'pods', podUid);
  }

  /** The folder of a volume, made. */
  folder(plugin: string, name: string): string {
    const folder = path.join(this.#pod, 'volumes', `kubernetes.io~${plugin}`, name);
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  /**
   * Gives a ConfigMap, Secret or projected volume other content, as kubelet's atomic writer does: a new folder, a link
   * to it swapped in, links for new names, old ones removed.
   */
  swap(folder: string, content: Record<string, string>): void {
    const old = fs.existsSync(path.join(folder, '..data')) ? fs.readlinkSync(path.join(folder, '..data')) : undefined;
    const next = `..2026_11_28_${this.#swaps++}`;
    for (const [name, text] of Object.entries(content)) {
      fs.mkdirSync(path.dirname(path.join(folder, next, name)), { recursive: true });
      fs.writeFileSync(path.join(folder, next, name), text);
    }
    fs.symlinkSync(next, path.join(folder, '..data_tmp'));
    fs.renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
    const names = new Set(Object.keys(content).map((name) => name.split('/')[0]!));
    for (const name of names)
      if (!fs.existsSync(path.join(folder, name))) {
        fs.rmSync(path.join(folder, name), { force: true });
        fs.symlinkSync(path.join('..data', name), path.join(folder, name));
      }
    for (const name of fs.readdirSync(folder))
      if (!name.startsWith('..') && !names.has(name)) fs.unlinkSync(path.join(folder, name));
    if (old !== undefined) fs.rmSync(path.join(folder, old), { recursive: true });
  }

  /** An emptyDir in memory, with its limit. */
  async memory(name: string, sizeMib: number): Promise<string> {
    const folder = this.folder('empty-dir', name);
    await run(['mount', '-t', 'tmpfs', '-o', `size=${sizeMib}m,mode=0777`, 'tmpfs', folder]);
    return folder;
  }

  /** A folder of a volume as a container mounts it by subPath. */
  async subPath(volume: string, within: string, container: string, index: number): Promise<string> {
    const target = path.join(this.#pod, 'volume-subpaths', path.basename(volume), container, `${index}`);
    fs.mkdirSync(path.join(volume, within), { recursive: true });
    fs.mkdirSync(target, { recursive: true });
    await run(['mount', '--bind', path.join(volume, within), target]);
    return target;
  }

  /** The file in which a container leaves the reason of its end. */
  terminationLog(container: string): string {
    return this.file(path.join('containers', container, '1a2b3c4d'), '');
  }

  /** Any other file of the pod. */
  file(name: string, content: string): string {
    const file = path.join(this.#pod, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  /** Unmounts and removes all of it. */
  async remove(): Promise<void> {
    const mounts = fs
      .readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1]!)
      .filter((place) => place?.startsWith(this.#pod));
    for (const place of mounts.reverse()) await run(['umount', place]);
    fs.rmSync(this.#pod, { recursive: true, force: true });
  }
}
