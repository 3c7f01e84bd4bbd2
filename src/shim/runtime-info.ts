import { RuntimeInfo } from '../protocols/gen/containerd-types.ts';
import { VERSION } from '../version.ts';

/** What `-info` prints for containerd 2.0 and newer (containerd.types.RuntimeInfo). */
export function runtimeInfo(): Uint8Array {
  const info = RuntimeInfo.create({ name: 'io.containerd.kata.v2', version: { version: VERSION } });
  return RuntimeInfo.encode(info).finish();
}
