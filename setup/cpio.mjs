// A cpio archive in the "newc" form that the kernel unpacks as its initramfs. The same files give the same bytes.

/**
 * @typedef {object} Entry
 * @property {string} name Without a leading slash.
 * @property {number} mode With the file type: 0o100755, 0o040755, 0o120777, 0o020600.
 * @property {Uint8Array} [content] Of a file, or the target of a symlink.
 * @property {[number, number]} [device] Major and minor of a device node.
 */

/** @param {number} length */
const padding = (length) => Buffer.alloc((4 - (length % 4)) % 4);

/** @param {number} inode @param {Entry} entry */
function record(inode, { name, mode, content = new Uint8Array(), device = [0, 0] }) {
  const nameBytes = Buffer.from(`${name}\0`);
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, ...device, nameBytes.length, 0];
  const header = Buffer.from(`070701${fields.map((n) => n.toString(16).padStart(8, '0')).join('')}`);
  return [header, nameBytes, padding(header.length + nameBytes.length), content, padding(content.length)];
}

/**
 * @param {Entry[]} entries A folder before what is in it.
 * @returns {Buffer}
 */
export function cpio(entries) {
  const end = { name: 'TRAILER!!!', mode: 0 };
  return Buffer.concat([...entries, end].flatMap((entry, index) => record(entry === end ? 0 : index + 1, entry)));
}
