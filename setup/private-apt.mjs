// Packages of other Debian releases, without touching the host's apt: its own sources, lists and cache below .build/apt.
import fs from 'node:fs';
import path from 'node:path';
import { build, shown } from './paths.mjs';
import { step } from './progress.mjs';
import { answer, run, SetupError } from './run.mjs';
import { writeWhole } from './stamp.mjs';

/** @typedef {'bookworm' | 'bookworm-backports' | 'trixie' | 'sid'} Suite */

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** The mirror that the host itself uses. */
function mirror() {
  const lines = answer('apt-get', ['indextargets', '--format', '$(REPO_URI) $(LABEL)'])?.split('\n') ?? [];
  const found = lines.map((line) => line.split(' ')).find(([, label]) => label === 'Debian')?.[0];
  if (!found) throw new SetupError('the host has no Debian index to learn its mirror from. Run: apt-get update');
  return found;
}

/**
 * apt-get or apt-cache on the private state of one suite.
 * @param {Suite} suite
 */
function privateState(suite) {
  const folder = path.join(build, 'apt', suite);
  const options = [
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    `Dir::State::Lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::Retries=3',
  ].flatMap((option) => ['-o', option]);
  return {
    /** @param {string[]} args @param {string} [cwd] */
    get: (args, cwd) => run('apt-get', [...options, '-qq', ...args], cwd === undefined ? {} : { cwd }),
    /**
     * A package and all that it needs on a machine that has nothing.
     * @param {string} name
     */
    closure: async (name) => {
      const nothing = path.join(folder, 'no-status');
      writeWhole(nothing, '');
      const asked = ['--simulate', '--no-install-recommends', 'install', name];
      const plan = await run('apt-get', [...options, '-o', `Dir::State::status=${nothing}`, ...asked]);
      return [...plan.toString().matchAll(/^Inst (\S+)/gm)].map((found) => found[1] ?? '');
    },
    /** @param {string[]} args */
    cache: async (args) => (await run('apt-cache', [...options, ...args])).toString(),
    /** @param {boolean} afresh Even when there is a list. */
    async update(afresh) {
      const lists = path.join(folder, 'lists');
      const sources = `deb [signed-by=${keyring}] ${mirror()} ${suite} main\n`;
      const file = path.join(folder, 'sources.list');
      const known = fs.existsSync(file) && fs.readFileSync(file, 'utf8') === sources;
      if (!afresh && known && fs.existsSync(lists) && fs.readdirSync(lists).some((name) => name.endsWith('InRelease')))
        return;
      for (const name of ['lists/partial', 'cache/archives/partial'])
        fs.mkdirSync(path.join(folder, name), { recursive: true });
      writeWhole(file, sources);
      await this.get(['update']);
    },
  };
}

/**
 * Where a group of unpacked packages stands.
 * @param {Suite} suite
 * @param {string} group
 */
export const unpacked = (suite, group) => path.join(build, 'debs', suite, group);

/**
 * Downloads packages of a suite and unpacks them into one folder; done once, then no network is used.
 * @param {Suite} suite
 * @param {string} group Names the folder.
 * @param {string[]} names Packages; `depends:NAME` is the first package that NAME depends on, `closure:NAME` is NAME with
 *   all that it needs, the C library included.
 * @returns {Promise<{ folder: string, versions: Record<string, string> }>} The folder is laid out as `/`.
 */
export async function fetchDebs(suite, group, names) {
  const folder = unpacked(suite, group);
  const stamp = `${folder}.json`;
  if (fs.existsSync(stamp) && fs.existsSync(folder)) {
    const made = JSON.parse(fs.readFileSync(stamp, 'utf8'));
    if (made.names.join(' ') === names.join(' ')) return { folder, versions: made.versions };
  }
  return step(`Debian ${suite}: ${names.map((n) => n.replace(/^\w+:/, '')).join(', ')}`, async (tell) => {
    if (!fs.existsSync(keyring))
      throw new SetupError(`${keyring} is missing. Run: apt-get install debian-archive-keyring`);
    const apt = privateState(suite);
    const temporary = `${folder}.tmp`;
    const debs = path.join(temporary, '.debs');
    const download = async () => {
      fs.rmSync(temporary, { recursive: true, force: true });
      fs.mkdirSync(debs, { recursive: true });
      const exact = await Promise.all(
        names.map(async (name) => {
          if (name.startsWith('closure:')) return apt.closure(name.slice(8));
          if (!name.startsWith('depends:')) return name;
          const found = (await apt.cache(['depends', name.slice(8)])).match(/^\s*Depends: (\S+)/m)?.[1];
          if (!found) throw new SetupError(`Debian ${suite}'s ${name.slice(8)} depends on nothing`);
          return found;
        }),
      );
      await apt.get(['download', ...exact.flat()], debs);
    };
    tell('index');
    await apt.update(false);
    tell('download');
    try {
      await download();
    } catch {
      // The mirror may have gone on to newer versions since the index was read.
      tell('a newer index');
      await apt.update(true);
      await download();
    }
    tell('unpack');
    /** @type {Record<string, string>} */
    const versions = {};
    for (const deb of fs.readdirSync(debs).sort()) {
      const [name, version] = deb.split('_');
      versions[name ?? deb] = decodeURIComponent(version ?? '');
      await run('dpkg', ['-x', path.join(debs, deb), temporary]);
    }
    fs.rmSync(debs, { recursive: true });
    fs.rmSync(folder, { recursive: true, force: true });
    fs.rmSync(stamp, { force: true });
    fs.renameSync(temporary, folder);
    writeWhole(stamp, `${JSON.stringify({ names, versions }, null, 2)}\n`);
    return { folder, versions };
  }).catch((error) => {
    throw error instanceof SetupError
      ? new SetupError(`packages of Debian ${suite} for ${shown(folder)}: ${error.message}`)
      : error;
  });
}
