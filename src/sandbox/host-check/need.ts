/**
 * `there`: as it is best. `instead`: something else stands in for it. `missing`: no container can run. `unused`: nothing
 * asks for it.
 */
export type NeedState = 'there' | 'instead' | 'missing' | 'unused';

/** One thing that a host needs, or that it is better off with. */
export interface Need {
  name: string;
  state: NeedState;
  /** What is there, or what was found in its place. */
  found: string;
  /** What stands in for it, and what that costs. */
  instead?: string;
  /** How to get it. */
  get?: string;
}

/** Whether containers can run; `strict`: whether nothing stands in for anything. */
export function isCapable(needs: readonly Need[], strict: boolean): boolean {
  return needs.every(({ state }) => state !== 'missing' && !(strict && state === 'instead'));
}
