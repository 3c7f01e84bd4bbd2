import { imageToSpec } from '../../oci/image-to-spec.ts';
import type { OciSpec } from '../../oci/spec.ts';

/** Where the warm-up's root has its one program. */
export const WARM_UP_PROGRAM = '/kata-runtime';

/** What `kata-runtime run` makes of an image that says nothing: the most common container there is. */
export function defaultSpec(): OciSpec {
  return imageToSpec({}, { args: [WARM_UP_PROGRAM, 'version'], hostname: 'template' }, 'x86-64');
}
