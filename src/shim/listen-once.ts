import { makeDirectories } from '../os/directory.ts';
import { isErrno } from '../os/errno.ts';
import { removeFile } from '../os/file.ts';
import { connectUnix, type Listener, listenUnix } from '../os/socket.ts';

/** A listener at `path`, in a folder of this mode; null when somebody listens there already. A dead one's socket is replaced. */
export async function listenOnce(path: string, folderMode: number): Promise<Listener | null> {
  makeDirectories(path.slice(0, path.lastIndexOf('/')), folderMode);
  try {
    return listenUnix(path);
  } catch (error) {
    if (!isErrno(error, 'EADDRINUSE')) throw error;
  }
  if (await isListenedAt(path)) return null;
  removeFile(path);
  return listenUnix(path);
}

/** Whether somebody listens at `path`; throws when a live one may be too busy to take a connection just now. */
export async function isListenedAt(path: string): Promise<boolean> {
  try {
    (await connectUnix(path)).close();
    return true;
  } catch (error) {
    if (!isErrno(error, 'ECONNREFUSED', 'ENOENT')) throw error;
    return false;
  }
}
