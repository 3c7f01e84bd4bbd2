import { syscall } from 'sys';
import { KataError } from '../../errors/kata-error.ts';
import { NR } from '../../syscall/numbers.ts';
import { DbusConnection, type DbusMethod } from '../dbus/connection.ts';
import type { DbusMessage } from '../dbus/message.ts';
import { exists } from '../file.ts';
import { connectUnix } from '../socket.ts';
import { withTimeout } from '../timer.ts';
import { type Scope, scopeProperties, systemdVersion } from './scope-properties.ts';

const SERVICE = 'org.freedesktop.systemd1';
const MANAGER = `${SERVICE}.Manager`;
const manager = (member: string): DbusMethod => ({
  destination: SERVICE,
  path: '/org/freedesktop/systemd1',
  interface: MANAGER,
  member,
});
const GET: DbusMethod = { ...manager('Get'), interface: 'org.freedesktop.DBus.Properties' };
const BUS = 'org.freedesktop.DBus';
const bus = (member: string): DbusMethod => ({
  destination: BUS,
  path: '/org/freedesktop/DBus',
  interface: BUS,
  member,
});
const JOBS = `type='signal',sender='${SERVICE}',interface='${MANAGER}',member='JobRemoved'`;

/** The system bus. systemd has a socket of its own besides, which is for its own programs. */
const BUS_SOCKET = '/run/dbus/system_bus_socket';
/** A job of systemd that takes longer hangs; it does not matter for what. */
const TIMEOUT_MS = 15_000;

/** Whether systemd is this system's init (sd_booted(3)). */
export function isSystemdRunning(): boolean {
  return exists('/run/systemd/system');
}

/**
 * Has systemd start a scope, and waits until it has. Throws what systemd answers; then there is no scope.
 */
export async function startScope(scope: Scope): Promise<void> {
  await withManager(`start ${scope.unit}`, async (connection, jobOf) => {
    const version = await versionOf(connection);
    const start = (known: number | null): Promise<string> =>
      jobOf(() => connection.call(manager('StartTransientUnit'), 'ssa(sv)a(sa(sv))', startArguments(scope, known)));
    // Whatever it does not like of the properties, it says so of the whole unit.
    const result = await start(version).catch((error: unknown) => {
      if (KataError.from(error).code !== 'failed-precondition') throw error;
      return start(null).catch(() => {
        throw error;
      });
    });
    if (result !== 'done')
      throw new KataError('failed-precondition', `its job is expected to be done, it ended as ${result}`, {
        hint: `journalctl -u ${scope.unit}`,
      });
  });
}

const startArguments = (scope: Scope, version: number | null) => [
  scope.unit,
  'replace',
  scopeProperties(scope, version).map(([name, value]) => [name, value]),
  [],
];

/** Has systemd stop a unit, what runs in it included, and waits until it has. One that is not there is fine. */
export async function stopUnit(unit: string): Promise<void> {
  await withManager(`stop ${unit}`, async (connection, jobOf) => {
    try {
      await jobOf(() => connection.call(manager('StopUnit'), 'ss', [unit, 'replace']));
      // One that failed is remembered until told otherwise.
      await connection.call(manager('ResetFailedUnit'), 's', [unit]);
    } catch (error) {
      if (KataError.from(error).code !== 'not-found') throw error;
    }
  });
}

async function versionOf(connection: DbusConnection): Promise<number | null> {
  const [version] = await connection.call(GET, 'ss', [MANAGER, 'Version']);
  const told = typeof version === 'object' && 'value' in version ? version.value : '';
  return typeof told === 'string' ? systemdVersion(told) : null;
}

/** Runs a call that answers with a job; how that job ended. */
type JobOf = (call: () => Promise<readonly unknown[]>) => Promise<string>;

async function withManager(
  what: string,
  action: (connection: DbusConnection, jobOf: JobOf) => Promise<void>,
): Promise<void> {
  let connection: DbusConnection | undefined;
  const work = async (): Promise<void> => {
    connection = await connect();
    await action(connection, jobWaiter(connection));
  };
  try {
    await withTimeout(work(), TIMEOUT_MS, `systemd is expected to answer within ${TIMEOUT_MS} ms, it did not`);
  } catch (error) {
    throw KataError.wrap(error, `have systemd ${what}`);
  } finally {
    connection?.close();
  }
}

async function connect(): Promise<DbusConnection> {
  const connection = await DbusConnection.open(await connectUnix(BUS_SOCKET), syscall(NR.getuid));
  try {
    await Promise.all([
      connection.call(bus('Hello')),
      connection.call(bus('AddMatch'), 's', [JOBS]),
      connection.call(manager('Subscribe')),
    ]);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Jobs may be over before the answer that names them has arrived: every end is kept. */
function jobWaiter(connection: DbusConnection): JobOf {
  const ended = new Map<string, string>();
  let look = (): void => {};
  connection.onSignal(({ interface: name, member, body }: DbusMessage) => {
    if (name !== MANAGER || member !== 'JobRemoved') return;
    const [, job, , result] = body as [number, string, string, string];
    ended.set(job, result);
    look();
  });
  return async (call) => {
    const [job] = (await call()) as [string];
    return new Promise((resolve) => {
      look = () => {
        const result = ended.get(job);
        if (result !== undefined) resolve(result);
      };
      look();
    });
  };
}
