// The guest's kernel: Debian 13's, as the uncompressed ELF file that QEMU starts by its PVH entry, without firmware.
import fs from 'node:fs';
import path from 'node:path';
import { run, SetupError } from './run.mjs';

// Offsets in the boot sector of a bzImage (the kernel's Documentation/arch/x86/boot.rst).
const SETUP_SECTS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;

/**
 * Unpacks a bzImage.
 * @param {string} file
 * @returns {Promise<Buffer>} An ELF file.
 */
export async function uncompressedKernel(file) {
  const image = fs.readFileSync(file);
  const start = ((image[SETUP_SECTS] || 4) + 1) * 512 + image.readUInt32LE(PAYLOAD_OFFSET);
  // The last four bytes of the payload are its length when unpacked.
  const payload = image.subarray(start, start + image.readUInt32LE(PAYLOAD_LENGTH) - 4);
  const elf = await run('zstd', ['--decompress', '--stdout'], { input: payload });
  if (elf.toString('latin1', 0, 4) !== '\x7fELF')
    throw new SetupError(`${path.basename(file)} holds no ELF kernel that zstd unpacks`);
  return elf;
}

/**
 * The kernel in a tree of unpacked packages.
 * @param {string} folder
 */
export function kernelOf(folder) {
  const boot = path.join(folder, 'boot');
  const release = fs
    .readdirSync(boot)
    .find((name) => name.startsWith('vmlinuz-'))
    ?.slice('vmlinuz-'.length);
  if (release === undefined) throw new SetupError(`${boot} holds no kernel`);
  return {
    release,
    image: path.join(boot, `vmlinuz-${release}`),
    modules: path.join(folder, 'usr/lib/modules', release),
  };
}
