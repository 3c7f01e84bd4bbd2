import { KataError } from '../../errors/kata-error.ts';
import { judgeHost } from '../../sandbox/host-check/judge-host.ts';
import { lookAtHost } from '../../sandbox/host-check/look-at-host.ts';
import { isCapable } from '../../sandbox/host-check/need.ts';
import { VERSION } from '../../version.ts';
import type { RuntimeContext } from '../context.ts';
import { STATUS } from '../exit-status.ts';
import { readRuntimeConfig } from '../load-config.ts';
import { complain, print } from '../output.ts';
import { formatNeeds, formatVerdict } from './check-table.ts';

export interface CheckFlags {
  json?: boolean;
  strict?: boolean;
  verbose?: boolean;
  checkVersionOnly?: boolean;
  includeAllReleases?: boolean;
  noNetworkChecks?: boolean;
  onlyListReleases?: boolean;
}

/** `kata-runtime check`: exit status 0 when containers can run here. */
export async function check(this: RuntimeContext, flags: CheckFlags): Promise<void> {
  if (flags.checkVersionOnly || flags.onlyListReleases) {
    // Unlike Kata, which asks GitHub: a host's runtime does not talk to strangers.
    print(`kata-runtime ${VERSION}: releases are not looked up, nothing here uses the network\n`);
    return;
  }
  const loaded = configuration(this);
  const needs = judgeHost(await lookAtHost(loaded));
  const capable = isCapable(needs, false);
  const passed = isCapable(needs, flags.strict ?? false);
  const warnings = loaded instanceof KataError ? [] : loaded.warnings;
  if (flags.json) print(`${JSON.stringify({ version: VERSION, capable, passed, needs, warnings }, null, 2)}\n`);
  else {
    print(formatNeeds(needs));
    print(`\n${formatVerdict(needs, flags.strict ?? false)}`);
    if (flags.verbose) for (const warning of warnings) complain(warning);
  }
  if (!passed) this.exitStatus = STATUS.failed;
}

function configuration({ global }: RuntimeContext) {
  try {
    return readRuntimeConfig(global);
  } catch (error) {
    return KataError.from(error);
  }
}
