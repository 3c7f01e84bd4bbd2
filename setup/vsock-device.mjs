// A vsock device in user space: with it a VM has vsock on a host whose kernel has no vhost-vsock.
import path from 'node:path';
import { fetchDebs, unpacked } from './private-apt.mjs';

const suite = 'sid';
const group = 'vhost-device-vsock';

/** Fetches it. It runs with the host's C library. */
export async function fetchVsockDevice() {
  await fetchDebs(suite, group, ['vhost-device-vsock']);
}

/** What end-to-end tests find in KATA_TS_VSOCK: JSON, the program and the folder of the guest's kernel modules. */
export const vsockDevice = () => ({
  program: path.join(unpacked(suite, group), 'usr/bin/vhost-device-vsock'),
  modules: path.join(unpacked('trixie', 'kernel'), 'usr/lib/modules'),
});
