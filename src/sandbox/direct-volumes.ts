import { checkMountInfo, type MountInfo } from '../oci/mount-info.ts';
import { parseJson } from '../oci/parse-json.ts';
import { base64Url } from '../os/base64-url.ts';
import { makeDirectories, removeTree } from '../os/directory.ts';
import { exists, readTextIfExists, writeFileAtomic } from '../os/file.ts';
import { utf8Encode } from '../os/utf8.ts';

/** Volumes that guests mount themselves, by the paths where kubelet would have them mounted. Upstream's folder and names. */
const FOLDER = '/run/kata-containers/shared/direct-volumes';

const folderOf = (volumePath: string): string => `${FOLDER}/${base64Url(utf8Encode(volumePath))}`;
const infoOf = (volumePath: string): string => `${folderOf(volumePath)}/mountInfo.json`;

/** Whether there is any on this host: then each bind mount may be one. */
export const hasDirectVolumes = (): boolean => exists(FOLDER);

/** What is to be mounted instead of a bind mount of this path; null: the bind mount itself. */
export function directVolume(volumePath: string): MountInfo | null {
  const path = infoOf(volumePath);
  const json = readTextIfExists(path);
  return json === null ? null : checkMountInfo(parseJson(json, path));
}

/** Notes what guests are to mount at a path. `json` is kept as it is. */
export function addDirectVolume(volumePath: string, json: string): void {
  checkMountInfo(parseJson(json, '--mount-info'));
  makeDirectories(folderOf(volumePath), 0o700);
  writeFileAtomic(infoOf(volumePath), json, 0o600);
}

/** Forgets it; guests that have mounted it keep it. One that is not there is fine. */
export function removeDirectVolume(volumePath: string): void {
  if (exists(folderOf(volumePath))) removeTree(folderOf(volumePath));
}
