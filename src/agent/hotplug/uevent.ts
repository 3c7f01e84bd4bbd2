/** What the kernel tells of a device (`lib/kobject_uevent.c`): `add`, `remove`, `change`, … */
export interface Uevent {
  action: string;
  /** Below `/sys`: `/devices/pci0000:00/…/block/sda`. */
  devicePath: string;
  /** `block`, `net`, `virtio`. */
  subsystem: string;
  /** The node below `/dev`, empty for a device without one. */
  deviceName: string;
}

/** Reads a uevent; null for what is none. `text` is NUL-separated: `action@path`, then `KEY=value`. */
export function parseUevent(text: string): Uevent | null {
  const [head, ...lines] = text.split('\0');
  if (head === undefined || !head.includes('@')) return null;
  const values = new Map(
    lines
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const action = values.get('ACTION');
  const devicePath = values.get('DEVPATH');
  if (action === undefined || devicePath === undefined) return null;
  return { action, devicePath, subsystem: values.get('SUBSYSTEM') ?? '', deviceName: values.get('DEVNAME') ?? '' };
}
