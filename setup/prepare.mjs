// Everything that has to be there, made if it is not.
import { makeBusyboxImage } from './busybox-image.mjs';
import { fetchCniPlugins } from './cni-plugins.mjs';
import { compileProducts } from './compile.mjs';
import { copyConfiguration } from './configuration.mjs';
import { fetchContainerds } from './containerds.mjs';
import { makeGuest } from './guest.mjs';
import { withLock } from './lock.mjs';
import { npmReady } from './npm-packages.mjs';
import { checkHost, hostReady } from './packages.mjs';
import { fetchQemus } from './qemus.mjs';
import { fetchVsockDevice } from './vsock-device.mjs';

/**
 * Set-up from a fresh machine to a complete `dist/`. What is there already takes no time.
 * @param {{ forTests: boolean }} options
 */
export async function prepare({ forTests }) {
  // Before the lock, whose file needs root already.
  checkHost();
  return withLock(async () => {
    await hostReady(forTests);
    await npmReady();
    await makeBusyboxImage();
    copyConfiguration();
    try {
      await compileProducts();
    } finally {
      await makeGuest();
    }
    if (!forTests) return;
    await fetchContainerds();
    await fetchCniPlugins();
    await fetchQemus();
    await fetchVsockDevice();
  });
}
