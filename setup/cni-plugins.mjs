// The CNI plugins that connect a pod's network namespace in tests. They run as unpacked.
import path from 'node:path';
import { fetchDebs, unpacked } from './private-apt.mjs';

const suite = 'bookworm';
const group = 'cni-plugins';

/** Fetches them. */
export async function fetchCniPlugins() {
  await fetchDebs(suite, group, ['containernetworking-plugins']);
}

/** What end-to-end tests find in KATA_TS_CNI: the folder of ptp, bridge, host-local and the others. */
export const cniPlugins = () => path.join(unpacked(suite, group), 'usr/lib/cni');
