import { listDirectoryIfExists } from '../../os/directory.ts';
import { O, open } from '../../os/fd.ts';
import { readTextIfExists } from '../../os/file.ts';

const PORTS = '/sys/class/virtio-ports';

/** The name of the agent's port on the virtio-serial bus, as upstream's runtimes name it. */
export const AGENT_PORT = 'agent.channel.0';

/**
 * Opens the virtio-serial port called `name`, non-blocking; null where there is none. The links of
 * `/dev/virtio-ports` are made by udev, which this guest has not: sysfs says which port has which name.
 */
export function openVirtioPort(name: string): number | null {
  for (const port of listDirectoryIfExists(PORTS)) {
    if (readTextIfExists(`${PORTS}/${port}/name`)?.trim() === name) return open(`/dev/${port}`, O.RDWR | O.NONBLOCK);
  }
  return null;
}
