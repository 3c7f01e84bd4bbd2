import { KataError } from '../../errors/kata-error.ts';
import type { OciMount } from '../../oci/spec.ts';

/** `--volume SOURCE:TARGET[:ro]`: a file or folder of the host, which the shim copies into the guest. */
export function parseVolume(text: string): OciMount {
  const [source = '', destination = '', mode = 'rw', ...more] = text.split(':');
  const known = mode === 'ro' || mode === 'rw';
  if (source.startsWith('/') && destination.startsWith('/') && destination !== '/' && known && more.length === 0)
    return { type: 'bind', source, destination, options: ['rbind', 'rprivate', mode] };
  throw new KataError('invalid-argument', `a volume is expected, found ${JSON.stringify(text)}`, {
    hint: 'write it like /folder/of/host:/folder/in/container or with :ro behind; both are whole paths',
  });
}
