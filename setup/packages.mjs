// What the host needs: root, Debian, Node, npm, git, and Debian packages. Imports node: built-ins only, since it runs first.
import fs from 'node:fs';
import path from 'node:path';
import { step } from './progress.mjs';
import { run, SetupError } from './run.mjs';

/** What building and running needs; each with its reason. */
export const hostPackages = {
  'qemu-system-x86': 'the virtual machine',
  'erofs-utils': 'mkfs.erofs makes the image of a container root',
  skopeo: 'fetches images from registries and archives',
  umoci: 'unpacks the layers of an image',
  'busybox-static': 'the image that needs no network',
  gcc: 'links the static binaries',
  zstd: 'unpacks the kernel',
  'xz-utils': 'unpacks kernel modules',
  'ca-certificates': 'registries speak TLS',
  'util-linux': 'flock and unshare',
};

/** What only the tests need. */
export const testPackages = {
  runc: 'ordinary containers beside ours, as a peer',
  systemd: 'starts scopes for the cgroups of sandboxes',
  dbus: 'the bus that it is asked over',
  iproute2: 'ip(8), as a second opinion on interfaces',
};

/** @param {string} program Whether it stands in PATH. Not asked for its version: npm alone would take 0.1 s. */
const found = (program) =>
  (process.env.PATH ?? '').split(path.delimiter).some((folder) => fs.existsSync(path.join(folder, program)));

/**
 * Checks what cannot be installed from here, in the order in which a person would mend it.
 * @throws {SetupError} Naming what is missing and the command that installs it.
 */
export function checkHost() {
  if (process.getuid?.() !== 0)
    throw new SetupError(
      'root is needed: set-up installs packages, and a VM needs mounts and interfaces. Run: sudo npm start',
    );
  if (!found('apt-get') || !fs.existsSync('/etc/debian_version'))
    throw new SetupError(
      'apt-get is missing: this set-up knows Debian 12 and newer. Run it there, for instance in: docker run -it debian:12',
    );
  if (process.arch !== 'x64') throw new SetupError(`an amd64 host is needed, this one is ${process.arch}`);
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20)
    throw new SetupError(
      `Node 20 or newer is needed, this is ${process.versions.node}. Run: npm install --global n && n 20`,
    );
  if (!found('npm')) throw new SetupError('npm is missing. Run: apt-get install npm');
  if (!found('git')) throw new SetupError('git is missing. Run: apt-get install git');
}

/**
 * @param {string[]} names
 * @returns {string[]} Those that are not installed.
 */
function missing(names) {
  const installed = new Set();
  // Read by itself: dpkg-query takes ten times as long.
  for (const entry of fs.readFileSync('/var/lib/dpkg/status', 'utf8').split('\n\n'))
    if (/^Status: install ok installed$/m.test(entry)) installed.add(entry.match(/^Package: (.*)$/m)?.[1]);
  return names.filter((name) => !installed.has(name));
}

/**
 * Installs the Debian packages that are missing, and says which.
 * @param {boolean} forTests Those of the tests too.
 */
export async function hostReady(forTests) {
  const wanted = { ...hostPackages, ...(forTests ? testPackages : {}) };
  const absent = missing(Object.keys(wanted));
  if (absent.length === 0) return;
  console.log('Debian packages that are missing and will be installed:');
  for (const name of absent) console.log(`  ${name.padEnd(18)}${wanted[/** @type {keyof typeof wanted} */ (name)]}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await step('apt-get update', () => run('apt-get', ['-qq', 'update'], { env }));
  await step(`apt-get install of ${absent.length} packages`, () =>
    run('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', ...absent], { env }),
  );
}
