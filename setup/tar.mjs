// A tar archive in the ustar form. The same files give the same bytes.

/**
 * @typedef {object} Entry
 * @property {string} name Without a leading slash, at most 100 bytes; a folder ends in one.
 * @property {number} mode Permission bits.
 * @property {Uint8Array} [content] Of a file.
 * @property {string} [target] Of a symlink.
 */

/** @param {Entry} entry */
function header({ name, mode, content, target }) {
  const block = Buffer.alloc(512);
  /** @param {number} value @param {number} at @param {number} width With the NUL behind it. */
  const octal = (value, at, width) => block.write(value.toString(8).padStart(width - 1, '0'), at);
  block.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8); // uid
  octal(0, 116, 8); // gid
  octal(content?.length ?? 0, 124, 12);
  octal(0, 136, 12); // mtime
  block.write(' '.repeat(8), 148); // the checksum counts as spaces
  block.write(target !== undefined ? '2' : name.endsWith('/') ? '5' : '0', 156);
  block.write(target ?? '', 157, 100);
  block.write('ustar\x0000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  block[154] = 0;
  return block;
}

/**
 * @param {Entry[]} entries A folder before what is in it.
 * @returns {Buffer}
 */
export function tar(entries) {
  const parts = entries.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array();
    return [header(entry), content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}
