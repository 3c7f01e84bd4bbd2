import type { OciSpec } from '../oci/spec.ts';
import { writeFile } from '../os/file.ts';

const LOCALHOST = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n';

/**
 * Adds the files by which a container knows itself, `/etc/hosts` and `/etc/hostname`: they are written to the bundle and
 * mounted, to be changed at will unless the root is read-only (docker's rule). A volume in their place is stronger.
 */
export function addHostFiles(spec: OciSpec, bundle: string): void {
  const { hostname = '', root, mounts = [] } = spec;
  const files = [
    ['hosts', `${LOCALHOST}127.0.1.1\t${hostname}\n`],
    ['hostname', `${hostname}\n`],
  ] as const;
  for (const [name, content] of files) {
    const destination = `/etc/${name}`;
    if (mounts.some((mount) => mount.destination === destination)) continue;
    const source = `${bundle}/${name}`;
    writeFile(source, content, 0o644);
    mounts.push({ destination, type: 'bind', source, options: ['rbind', 'rprivate', root?.readonly ? 'ro' : 'rw'] });
  }
  spec.mounts = mounts;
}
