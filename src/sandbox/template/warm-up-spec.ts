import { imageToSpec } from '../../oci/image-to-spec.ts';
import type { OciSpec } from '../../oci/spec.ts';

/** Where the warm-up's root has its one program. */
export const WARM_UP_PROGRAM = '/kata-runtime';

/** By containerd 1.6 to 2.1 for `ctr run`, and Kubernetes. */
const COMMONLY_MASKED = new Set([
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/firmware',
]);

/** What `kata-runtime run` makes of an image that says nothing: the most common container there is. */
export function defaultSpec(): OciSpec {
  return imageToSpec({}, { args: [WARM_UP_PROGRAM, 'version'], hostname: 'template' }, 'x86-64');
}

/** What containers of containerd's clients and of `kata-runtime` have in common: fewer masked paths than the latter's. */
export function commonSpec(): OciSpec {
  const { linux, hostname: _, ...spec } = defaultSpec();
  const maskedPaths = linux?.maskedPaths?.filter((path) => COMMONLY_MASKED.has(path)) ?? [];
  return { ...spec, linux: { ...linux, maskedPaths } };
}
