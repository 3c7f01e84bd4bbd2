import { randomBytes } from '../os/random.ts';
import { randomName } from './parse/container-name.ts';

/** A name for a container that was given none. */
export function randomContainerName(): string {
  const [one, other] = randomBytes(2);
  return `${randomName(one! / 256, other! / 256)}_${randomBytes(1)[0]!.toString(16).padStart(2, '0')}`;
}
