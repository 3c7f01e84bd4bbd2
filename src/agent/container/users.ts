import { KataError } from '../../errors/kata-error.ts';
import type { StringUser } from '../../protocols/gen/agent.ts';
import type { User } from '../../protocols/gen/oci.ts';

/** Whom a process runs as, by numbers. */
export interface Credentials {
  uid: number;
  gid: number;
  groups: number[];
  /** The home of `/etc/passwd`; `/` when the user has none there, as runc. */
  home: string;
}

/** The image's `/etc/passwd` and `/etc/group`, read when first needed; empty when there is none. */
export interface UserFiles {
  passwd(): string;
  group(): string;
}

const UID_MAX = 0xffffffff;

interface PasswdLine {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** The first line of passwd(5) that `matches`. What an image wrote wrongly is passed over. */
function findPasswd(text: string, matches: (line: PasswdLine) => boolean): PasswdLine | undefined {
  for (const raw of text.split('\n')) {
    const [name, , uid, gid, , home] = raw.split(':');
    const line = { name: name ?? '', uid: numberOf(uid), gid: numberOf(gid), home: home ?? '' };
    if (line.uid >= 0 && line.gid >= 0 && matches(line)) return line;
  }
  return undefined;
}

function numberOf(text: string | undefined): number {
  if (text === undefined || !/^\d{1,10}$/.test(text)) return -1;
  const number = Number(text);
  return number < UID_MAX ? number : -1;
}

interface GroupLine {
  name: string;
  gid: number;
  members: string[];
}

function parseGroups(text: string): GroupLine[] {
  return text
    .split('\n')
    .map((raw) => raw.split(':'))
    .map(([name = '', , gid, members = '']) => ({ name, gid: numberOf(gid), members: members.trim().split(',') }))
    .filter(({ gid }) => gid >= 0);
}

/** The gid of a group given by name or number. */
function groupId(group: string, files: UserFiles): number {
  const byName = parseGroups(files.group()).find(({ name }) => name === group);
  if (byName !== undefined) return byName.gid;
  const number = numberOf(group);
  if (number >= 0) return number;
  throw new KataError(
    'not-found',
    `the group ${JSON.stringify(group)} is expected in the image's /etc/group, it is not there`,
  );
}

/**
 * Whom a process runs as. `stringUser`, else `user.username` (`name` or `name:group`), is looked up in the image's
 * files; else the numbers of `user` hold. A user by name without groups gets those that list it as a member.
 */
export function resolveUser(
  user: User | undefined,
  stringUser: StringUser | undefined,
  needsHome: boolean,
  files: UserFiles,
): Credentials {
  const [name = '', group = ''] = (stringUser?.uid || user?.username || '').split(':');
  const credentials =
    name === ''
      ? { uid: user?.uid ?? 0, gid: user?.gid ?? 0, groups: [...(user?.additionalGids ?? [])], home: '' }
      : byName(name, stringUser?.gid || group, stringUser?.additionalGids ?? [], files);
  if (name !== '' && stringUser === undefined) credentials.groups.push(...(user?.additionalGids ?? []));
  if (needsHome && credentials.home === '')
    credentials.home = findPasswd(files.passwd(), ({ uid }) => uid === credentials.uid)?.home || '/';
  return credentials;
}

function byName(name: string, group: string, more: readonly string[], files: UserFiles): Credentials {
  const number = numberOf(name);
  const line =
    findPasswd(files.passwd(), (entry) => entry.name === name) ??
    (number < 0 ? undefined : findPasswd(files.passwd(), ({ uid }) => uid === number));
  if (line === undefined && number < 0)
    throw new KataError(
      'not-found',
      `the user ${JSON.stringify(name)} is expected in the image's /etc/passwd, it is not there`,
      { hint: 'name a user of the image, or give a number' },
    );
  const memberships =
    line === undefined || group !== ''
      ? []
      : parseGroups(files.group()).filter(({ members }) => members.includes(line.name));
  return {
    uid: line?.uid ?? number,
    gid: group === '' ? (line?.gid ?? 0) : groupId(group, files),
    groups: [...memberships.map(({ gid }) => gid), ...more.map((each) => groupId(each, files))],
    home: line?.home ?? '',
  };
}
