import { KataError } from '../../errors/kata-error.ts';
import type { Settings } from '../read-file.ts';

/**
 * Whether `enable_annotations` enables the hypervisor's annotation `key`. A pattern is a regular expression that matches
 * anywhere in the name, as upstream's: `kernel` enables `kernel_params` too, `^kernel$` does not.
 */
export function isEnabled(settings: Settings, key: string): boolean {
  const setting = settings.get('hypervisor.qemu.enable_annotations');
  return ((setting?.value ?? []) as readonly string[]).some((pattern) => expression(pattern, setting!.where).test(key));
}

/** Throws `invalid-argument`, with file and line, for a pattern that is none. */
export function checkEnabled(settings: Settings): void {
  const setting = settings.get('hypervisor.qemu.enable_annotations');
  for (const pattern of (setting?.value ?? []) as readonly string[]) expression(pattern, setting!.where);
}

function expression(pattern: string, where: () => string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new KataError(
      'invalid-argument',
      `${where()}: enable_annotations in [hypervisor.qemu]: expected regular expressions, found ${JSON.stringify(pattern)}`,
      { hint: 'correct this line of the configuration' },
    );
  }
}
