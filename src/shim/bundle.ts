import { parseJson } from '../oci/parse-json.ts';
import { type CheckedSpec, parseSpec } from '../oci/validate.ts';
import { readText, readTextIfExists } from '../os/file.ts';

/** The bundle's config.json, checked. Throws `not-found`, `invalid-argument` or `unimplemented` with its path or field. */
export function readSpec(bundle: string): CheckedSpec {
  const path = `${bundle}/config.json`;
  return parseSpec(readText(path), path);
}

/** The annotations of the bundle's config.json, the rest of it unread: `start` needs no more. */
export function readAnnotations(bundle: string): Record<string, string> | undefined {
  const path = `${bundle}/config.json`;
  return (parseJson(readText(path), path) as { annotations?: Record<string, string> } | null)?.annotations;
}

/** The address that the shim of another container of the same containerd and namespace wrote; null when there is none. */
export function siblingAddress(bundle: string, id: string): string | null {
  const folder = bundle.slice(0, bundle.lastIndexOf('/'));
  return readTextIfExists(`${folder}/${id}/address`);
}
