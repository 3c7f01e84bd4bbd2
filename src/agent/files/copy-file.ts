import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { makeDirectories, removeTreeAt } from '../../os/directory.ts';
import { check, ERRNO, isErrno } from '../../os/errno.ts';
import { close, O, open } from '../../os/fd.ts';
import { type PlaceInRoot, parentInRoot, removeInRoot } from '../../os/resolve.ts';
import { fstat, isType, S } from '../../os/stat.ts';
import { utf8Decode } from '../../os/utf8.ts';
import type { CopyFileRequest } from '../../protocols/gen/agent.ts';
import { NR } from '../../syscall/numbers.ts';
import { SHARED_FOLDER } from '../sandbox/guest-paths.ts';

const PERMISSIONS = 0o7777;
/** Folders on the way get these at most. */
const FOLDER_PERMISSIONS = 0o777;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_EMPTY_PATH = 0x1000;

/**
 * Writes a file, a folder or a symlink that the host sends, below the shared folder. A file comes in pieces, one call
 * for each, and appears under its name when it is whole. A symlink that was sent before leads nowhere outside: every
 * path is resolved as if the shared folder were the root.
 */
export function copyFile(request: CopyFileRequest): void {
  inSharedFolder(request.path, (root, relative) => {
    using place = makeParent(root, relative, request);
    const type = request.fileMode & S.IFMT;
    if (type === S.IFDIR) putFolder(place, request);
    else if (type === S.IFLNK) putLink(root, relative, place, request);
    else putPiece(root, relative, place, request);
  });
}

/** Removes what was copied to this path, a file, a link or a folder with all that is in it; nothing there is fine. */
export function removeCopy(path: string): void {
  inSharedFolder(path, removeInRoot);
}

/**
 * Writes a copied file anew, in place: who has it open, or mounted, sees the change. `not-found` when it isn't there,
 * `invalid-argument` when it is no regular file.
 */
export function rewriteCopy(path: string, data: Uint8Array): void {
  inSharedFolder(path, (root, relative) => {
    using place = parentInRoot(root, relative);
    const flags = O.WRONLY | O.NOFOLLOW | O.NONBLOCK | O.CLOEXEC;
    const fd = check(syscall(NR.openat, place.folderFd, place.name, flags, 0), `write ${path}`);
    try {
      if (!isType(fstat(fd), S.IFREG))
        throw new KataError('invalid-argument', `${path} is expected to be a regular file`);
      // Longer first: whoever reads meanwhile sees old or new bytes, but no end that comes too early.
      writeAt(fd, data, 0, path);
      check(syscall(NR.ftruncate, fd, data.length), `set the length of ${path}`);
    } finally {
      close(fd);
    }
  });
}

/** Gives `action` the shared folder as a root, and the path in it. */
function inSharedFolder(path: string, action: (root: number, relative: string) => void): void {
  if (!path.startsWith(`${SHARED_FOLDER}/`) || path.split('/').includes('..'))
    throw new KataError('invalid-argument', `a path below ${SHARED_FOLDER} is expected, found ${JSON.stringify(path)}`);
  makeDirectories(SHARED_FOLDER);
  const root = open(SHARED_FOLDER, O.PATH | O.DIRECTORY);
  try {
    action(root, path.slice(SHARED_FOLDER.length + 1));
  } finally {
    close(root);
  }
}

/** The folder of the file, made with those above it; the innermost belongs to the file's owner, as upstream has it. */
function makeParent(root: number, path: string, { dirMode, uid, gid }: CopyFileRequest): PlaceInRoot {
  const place = parentInRoot(root, path, { make: true });
  if (path.includes('/')) {
    own(place.folderFd, uid, gid, path);
    permit(place.folderFd, dirMode & FOLDER_PERMISSIONS, path);
  }
  return place;
}

function putFolder(place: PlaceInRoot, { fileMode, uid, gid, path }: CopyFileRequest): void {
  try {
    check(syscall(NR.mkdirat, place.folderFd, place.name, fileMode & FOLDER_PERMISSIONS), `make the folder ${path}`);
  } catch (error) {
    // Upstream's runtimes send a folder again when something in it has changed: what it holds stays.
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC;
  const fd = check(syscall(NR.openat, place.folderFd, place.name, flags, 0), `open the folder ${path}`);
  try {
    own(fd, uid, gid, path);
    permit(fd, fileMode & PERMISSIONS, path);
  } finally {
    close(fd);
  }
}

function putLink(root: number, relative: string, place: PlaceInRoot, request: CopyFileRequest): void {
  const { data, uid, gid, path } = request;
  const { folderFd } = place;
  const temporary = temporaryName(place);
  removeTreeAt(folderFd, temporary);
  check(syscall(NR.symlinkat, utf8Decode(data), folderFd, temporary), `make the link ${path}`);
  const flags = AT_SYMLINK_NOFOLLOW;
  check(syscall(NR.fchownat, folderFd, temporary, uid, gid, flags), `give ${path} to its owner`);
  putIntoPlace(root, relative, place, path);
}

function putPiece(root: number, relative: string, place: PlaceInRoot, request: CopyFileRequest): void {
  const { offset, data, fileSize, fileMode, uid, gid, path } = request;
  const end = offset + BigInt(data.length);
  if (offset < 0n || fileSize < 0n || end > fileSize)
    throw new KataError('invalid-argument', `a piece of ${path} ends at ${end}, the file is to have ${fileSize} bytes`);
  const temporary = temporaryName(place);
  const flags = O.WRONLY | O.NOFOLLOW | O.CLOEXEC | (offset === 0n ? O.CREAT | O.TRUNC : 0);
  const fd = check(syscall(NR.openat, place.folderFd, temporary, flags, 0o600), `write ${path} at ${offset}`);
  try {
    writeAt(fd, data, Number(offset), path);
    if (end < fileSize) return;
    own(fd, uid, gid, path);
    permit(fd, fileMode & PERMISSIONS, path);
  } finally {
    close(fd);
  }
  putIntoPlace(root, relative, place, path);
}

const temporaryName = ({ name }: PlaceInRoot): string => `${name}.kata-part`;

/** Gives what is whole its name. What had the name before is there until then. */
function putIntoPlace(root: number, relative: string, place: PlaceInRoot, path: string): void {
  const { folderFd, name } = place;
  const rename = () => syscall(NR.renameat2, folderFd, temporaryName(place), folderFd, name, 0);
  let result = rename();
  if (result === -ERRNO.EISDIR) {
    removeInRoot(root, relative);
    result = rename();
  }
  check(result, `put ${path} into place`);
}

function writeAt(fd: number, data: Uint8Array, offset: number, what: string): void {
  for (let written = 0; written < data.length; ) {
    const rest = data.subarray(written);
    written += check(syscall(NR.pwrite64, fd, rest, rest.length, offset + written), `write ${what}`);
  }
}

function own(fd: number, uid: number, gid: number, what: string): void {
  check(syscall(NR.fchownat, fd, '', uid, gid, AT_EMPTY_PATH), `give ${what} to its owner`);
}

/** The descriptor may be a path's, which has no mode to change: its link in /proc has. */
function permit(fd: number, mode: number, what: string): void {
  check(syscall(NR.fchmodat, fd, `/proc/self/fd/${fd}`, mode), `set the mode of ${what}`);
}
