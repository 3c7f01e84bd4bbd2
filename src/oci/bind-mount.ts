import type { OciMount } from './spec.ts';

/** Whether a mount shows a file or folder of the host as it is (config.md, "Mounts": the option decides, some write a type). */
export function isBind({ type, options = [] }: OciMount): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}
