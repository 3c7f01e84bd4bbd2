import type { Spec } from '../../protocols/gen/oci.ts';

/** Field names of the agent's messages that the runtime-spec writes another way. */
const NAMES: Readonly<Record<string, string>> = { version: 'ociVersion' };

/** Whether a value says nothing: what protobuf fills in for a field that was not there. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** A spec as the `config.json` of a bundle (OCI runtime-spec, config.md): hooks read it. */
export function toConfigJson(spec: Spec): string {
  return JSON.stringify(spec, (_key, value: unknown) => {
    if (typeof value === 'bigint') return Number(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, field]) => !isEmpty(field))
        .map(([name, field]) => [NAMES[name] ?? name, field]),
    );
  });
}
