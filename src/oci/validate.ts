import { KataError } from '../errors/kata-error.ts';
import { type JsonValue, parseJson } from './parse-json.ts';
import { withoutNulls, wrong } from './shape.ts';
import type { OciProcess, OciResources, OciSpec } from './spec.ts';
import { processShape, resourcesShape, specShape } from './spec-shape.ts';
import { IGNORED, REFUSED } from './unsupported.ts';

/** A field of the spec that this runtime leaves out, for one line of log. */
export interface IgnoredField {
  path: string;
  found: string;
  reason: string;
}

export interface CheckedSpec {
  spec: OciSpec;
  ignored: IgnoredField[];
}

/**
 * A bundle's config.json, checked. Throws one KataError: `invalid-argument` when a field is not what the OCI runtime-spec
 * says, `unimplemented` when it asks for what this runtime does not serve; both name the field by its JSON path.
 */
export function parseSpec(json: string, source: string): CheckedSpec {
  const value = parseJson(json, source);
  return within(source, () => validateSpec(value));
}

/** The same for JSON that is parsed already (by `parseJson`: plain `JSON.parse` rounds 64-bit limits). */
export function validateSpec(json: JsonValue): CheckedSpec {
  const value = withoutNulls(json);
  specShape(value, '');
  const spec = value as unknown as OciSpec;
  if (spec.process !== undefined) requireArgs(spec.process, 'process.');
  refuseDuplicateNamespaces(spec);
  refuse(spec);
  return { spec, ignored: ignoredFields(spec) };
}

/** An exec's process.json: the type `Process` of the runtime-spec. */
export function parseProcess(json: string, source: string): OciProcess {
  const value = withoutNulls(parseJson(json, source));
  return within(source, () => {
    processShape(value, '');
    const process = value as unknown as OciProcess;
    requireArgs(process, '');
    refuse({ ociVersion: '1.2.0', process });
    return process;
  });
}

/** An update's resources: the type `LinuxResources` of the runtime-spec. */
export function parseResources(json: string, source: string): OciResources {
  const value = withoutNulls(parseJson(json, source));
  return within(source, () => {
    resourcesShape(value, '');
    const resources = value as unknown as OciResources;
    refuse({ ociVersion: '1.2.0', linux: { resources } });
    return resources;
  });
}

/** What goes wrong inside is told of `source`. */
function within<T>(source: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw KataError.wrap(error, source);
  }
}

function requireArgs({ args }: OciProcess, prefix: string): void {
  if (args === undefined || args.length === 0) throw wrong(`${prefix}args`, 'a command', args);
  if (args[0] === '') throw wrong(`${prefix}args[0]`, 'a command', '');
}

function refuseDuplicateNamespaces({ linux }: OciSpec): void {
  const seen = new Set<string>();
  for (const [index, { type }] of (linux?.namespaces ?? []).entries()) {
    if (seen.has(type)) throw wrong(`linux.namespaces[${index}].type`, 'each type once', type);
    seen.add(type);
  }
}

function refuse(spec: OciSpec): void {
  for (const { find, reason, hint } of REFUSED) {
    const use = find(spec);
    if (use === undefined) continue;
    throw new KataError('unimplemented', `${use.path}: expected it not to be used, found ${use.found}: ${reason}`, {
      hint,
    });
  }
}

function ignoredFields(spec: OciSpec): IgnoredField[] {
  return IGNORED.flatMap(({ find, reason }) => {
    const use = find(spec);
    return use === undefined ? [] : [{ ...use, reason }];
  });
}
