// The guest's kernel modules: those of guest/modules.json and what they depend on.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { run, SetupError } from './run.mjs';
import { filesBelow } from './stamp.mjs';

/**
 * @typedef {object} Recipe
 * @property {Record<string, string>} boot Modules that every start loads, each with its reason.
 * @property {Record<string, string>} demand Modules that are there when somebody asks.
 * @property {Record<string, Record<string, string>>} parameters Of modules that every start loads, each with its reason.
 * @property {Record<string, string[]>} needs Dependencies that a module does not tell of: algorithms asked for by name.
 */

/**
 * @typedef {object} Module
 * @property {string} name With underscores.
 * @property {string} file Its compressed file.
 * @property {Buffer} content Uncompressed.
 * @property {string[]} depends Modules that have to be loaded first.
 * @property {string[]} aliases Other names and device patterns it is asked for by.
 * @property {string[]} parameters What it is loaded with.
 */

/** @param {string} name File names have dashes where the kernel has underscores. */
const canonical = (name) => name.replaceAll('-', '_');

/** @param {Buffer} content @param {string} key */
const modinfo = (content, key) =>
  [...content.toString('latin1').matchAll(new RegExp(`\\0${key}=([^\\0]*)`, 'g'))].map((found) => found[1] ?? '');

/**
 * Reads the modules of a kernel.
 * @param {string} folder `…/modules/RELEASE`.
 * @param {Recipe} recipe
 */
export async function readModules(folder, recipe) {
  const files = new Map(
    filesBelow(folder, (name) => name.endsWith('.ko.xz')).map((file) => [
      canonical(path.basename(file, '.ko.xz')),
      file,
    ]),
  );
  /** @type {Map<string, Module>} In the order in which they can be loaded. */
  const modules = new Map();

  /** @param {string} name @param {string} wantedBy */
  const add = async (name, wantedBy) => {
    if (modules.has(name)) return;
    const file = files.get(name);
    if (file === undefined) throw new SetupError(`kernel module ${name}, which ${wantedBy} needs, is not in ${folder}`);
    const content = await run('xz', ['--decompress', '--stdout', file]);
    const told = (modinfo(content, 'depends')[0] ?? '').split(',').filter(Boolean).map(canonical);
    const depends = [...(recipe.needs[name] ?? []), ...told];
    for (const other of depends) await add(other, name);
    const parameters = Object.keys(recipe.parameters[name] ?? {});
    modules.set(name, { name, file, content, depends, aliases: modinfo(content, 'alias'), parameters });
  };

  for (const name of Object.keys(recipe.boot)) await add(name, 'guest/modules.json');
  const boot = [...modules.values()];
  for (const name of Object.keys(recipe.demand)) await add(name, 'guest/modules.json');
  return { boot, demand: [...modules.values()].slice(boot.length) };
}

/**
 * A module without its signature, type information and local symbols. Under emulation the kernel spends 30 ms on the
 * signature of each module, and it wants none: it only notes that it could not verify it.
 * @param {Module} module
 * @param {string} folder For files in between.
 */
async function stripped({ name, content }, folder) {
  const [input, output] = [path.join(folder, `${name}.whole.ko`), path.join(folder, `${name}.ko`)];
  fs.writeFileSync(input, content);
  // What stands behind the last section, as the signature does, is not copied.
  const unneeded = ['--strip-unneeded', '--remove-section=.BTF', '--remove-section=.BTF.base'];
  await run('objcopy', [...unneeded, input, output]);
  return fs.readFileSync(output);
}

/** @param {Module[]} modules @returns {Promise<{ name: string, content: Uint8Array }[]>} */
async function strippedFiles(modules) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'kata-ts-modules-'));
  try {
    const strip = modules.map(async (module) => ({
      name: `${module.name}.ko`,
      content: await stripped(module, folder),
    }));
    return await Promise.all(strip);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * What stands in the guest's /lib/modules. Modules of the start are uncompressed and stripped; the others are as Debian
 * compressed them, and the kernel unpacks them itself (finit_module with MODULE_INIT_COMPRESSED_FILE).
 * @param {{ boot: Module[], demand: Module[] }} modules
 * @returns {Promise<{ name: string, content: Uint8Array }[]>}
 */
export async function moduleFiles({ boot, demand }) {
  /** @type {Map<string, string>} */
  const fileName = new Map();
  for (const { name } of boot) fileName.set(name, `${name}.ko`);
  for (const { name } of demand) fileName.set(name, `${name}.ko.xz`);
  const all = [...boot, ...demand];
  const byName = new Map(all.map((module) => [module.name, module]));
  /** @param {Module} module @returns {string[]} All it depends on, directly or not, the first to load last: depmod's order. */
  const closure = (module) => {
    /** @type {string[]} */
    const order = [];
    /** @param {Module} m */
    const visit = (m) => {
      for (const name of m.depends) {
        const other = byName.get(name);
        if (other && !order.includes(name)) {
          visit(other);
          order.push(name);
        }
      }
    };
    visit(module);
    return order.reverse();
  };
  /** @param {string[]} lines */
  const text = (lines) => Buffer.from(lines.map((line) => `${line}\n`).join(''));
  return [
    { name: 'load-order', content: text(boot.map((m) => [`${m.name}.ko`, ...m.parameters].join(' '))) },
    {
      name: 'modules.dep',
      content: text(
        all.map(
          (m) =>
            `${fileName.get(m.name)}:${closure(m)
              .map((name) => ` ${fileName.get(name)}`)
              .join('')}`,
        ),
      ),
    },
    { name: 'modules.alias', content: text(all.flatMap((m) => m.aliases.map((alias) => `alias ${alias} ${m.name}`))) },
    ...(await strippedFiles(boot)),
    ...demand.map((m) => ({ name: `${m.name}.ko.xz`, content: fs.readFileSync(m.file) })),
  ];
}
