import { exists } from '../../os/file.ts';
import { inNamespace, namespaceIdentity } from '../../os/namespace.ts';
import { Rtnetlink } from '../../os/netlink/rtnetlink.ts';
import { type Connection, disconnectRequests } from './connection.ts';

/** What a sandbox has changed in its pod's network namespace, for whoever takes it away. */
export interface SavedNetwork {
  /** The namespace's file, and what tells it from a later one of the same name. */
  path: string;
  identity: string;
  connections: Connection[];
}

/** Nothing there is as good as removed: interfaces go with their namespace, filters with their interface. */
const GONE = new Set(['ENODEV', 'ENOENT', 'EINVAL', 'ESRCH']);

/** Takes away what connected a guest with its pod's network. Goes on past what fails; the failures are told to `report`. */
export async function disconnect(
  { path, identity, connections }: SavedNetwork,
  report: (message: string) => void,
): Promise<void> {
  if (!exists(path) || namespaceIdentity(path) !== identity) return;
  using net = inNamespace(path, 'net', () => Rtnetlink.open());
  for (const outcome of await net.batch(connections.flatMap(disconnectRequests)))
    if (outcome !== null && !GONE.has(outcome.errno ?? '')) report(outcome.line);
}
