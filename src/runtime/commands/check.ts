import { buildCommand } from '@stricli/core';
import { toggle } from '../flags.ts';

export const checkCommand = buildCommand({
  loader: async () => (await import('../check/check.ts')).check,
  docs: {
    brief: 'Tell what this host has of all that containers need, and how to get the rest',
    fullDescription:
      'Tell what this host has of all that containers need, what stands in for the rest and what that costs, and how to get it. The exit status is 0 when containers can run. Nothing is changed, and nothing is asked of the network.',
  },
  parameters: {
    flags: {
      json: toggle('Print it as JSON'),
      strict: toggle('Fail also when something stands in for a first choice'),
      verbose: toggle('Tell the settings too that are not acted on'),
      checkVersionOnly: toggle('As upstream; releases are not looked up'),
      includeAllReleases: toggle('As upstream; releases are not looked up'),
      noNetworkChecks: toggle('As upstream; the network is not used anyway'),
      onlyListReleases: toggle('As upstream; releases are not looked up'),
    },
    aliases: { s: 'strict', v: 'verbose', n: 'noNetworkChecks' },
  },
});
