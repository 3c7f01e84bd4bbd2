import { KataError } from '../errors/kata-error.ts';
import { parseJson } from './parse-json.ts';
import { list, map, object, text, withoutNulls } from './shape.ts';

/**
 * The configuration of an image, as far as running it goes (OCI image-spec, config.md). Docker's own format names the
 * same fields alike.
 */
export interface ImageConfig {
  architecture?: string;
  os?: string;
  config?: ImageRunConfig;
}

export interface ImageRunConfig {
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  User?: string;
  /** `NAME=value`. */
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  Labels?: Record<string, string>;
  /** `SIGTERM`, `RTMIN+3`. */
  StopSignal?: string;
}

const shape = object({
  architecture: text,
  os: text,
  config: object({
    User: text,
    Env: list(text),
    Entrypoint: list(text),
    Cmd: list(text),
    WorkingDir: text,
    Labels: map(text),
    StopSignal: text,
  }),
});

/** An image's configuration from its JSON. Throws `invalid-argument` naming `source` and the field that is wrong. */
export function parseImageConfig(json: string, source: string): ImageConfig {
  const value = withoutNulls(parseJson(json, source));
  try {
    shape(value, '');
  } catch (error) {
    throw KataError.wrap(error, source);
  }
  const image = value as unknown as ImageConfig;
  if (image.os !== undefined && image.os !== '' && image.os !== 'linux')
    throw new KataError('unimplemented', `${source}: os: expected 'linux', found '${image.os}'`, {
      hint: 'choose an image for Linux',
    });
  return image;
}
