import { buildCommand } from '@stricli/core';
import { KataError } from '../../../errors/kata-error.ts';
import { Factory } from '../../../sandbox/template/factory.ts';
import { makeTemplate } from '../../../sandbox/template/make-template.ts';
import { startPool } from '../../../shim/pool/control.ts';
import type { RuntimeContext } from '../../context.ts';
import { texts, toggle } from '../../flags.ts';
import { isTold } from '../../global-options.ts';
import { loadRuntimeConfig } from '../../load-config.ts';
import { complain, print } from '../../output.ts';
import { annotationsOf } from '../../parse/annotations.ts';

interface Flags {
  'no-pool'?: boolean;
  annotation?: readonly string[];
}

async function init(this: RuntimeContext, flags: Flags): Promise<void> {
  const { config, path } = loadRuntimeConfig(this.global, annotationsOf(flags.annotation));
  if (!config.factory.enableTemplate)
    throw new KataError('failed-precondition', 'enable_template in [factory] is expected to be true, it is false', {
      hint: 'set it, or do without: each VM boots then',
    });
  const factory = new Factory(config);
  const log = isTold('info', this.global.logLevel) ? complain : () => {};
  const startMs = Date.now();
  const outcome = await factory.make(makeTemplate, log);
  const how = outcome === 'made' ? `made in ${((Date.now() - startMs) / 1000).toFixed(1)} s` : 'there already';
  print(`template ${factory.name}: ${how}\n`);
  if (config.factory.vmCacheNumber === 0 || flags['no-pool']) return;
  const { ready, wanted } = await startPool(config.factory, path);
  print(`pool: ${ready} of ${wanted} VMs wait\n`);
}

export const initCommand = buildCommand({
  func: init,
  docs: {
    brief: 'Make the template of the configured guest, and start the pool of waiting VMs if vm_cache_number says so',
  },
  parameters: {
    flags: {
      'no-pool': toggle('Start no pool, whatever vm_cache_number is'),
      annotation: texts('Of sandboxes with this annotation', 'NAME=VALUE'),
    },
  },
});
