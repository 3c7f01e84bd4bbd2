import { type ErrorCode, KataError } from '../../errors/kata-error.ts';
import type { ImageReference } from './reference.ts';

interface Explanation {
  words: RegExp;
  code: ErrorCode;
  found: (image: string, detail: string) => string;
  hint: string;
}

const LOCAL_IMAGES = 'or use an image that is on this machine: kata-runtime images';

/** What skopeo's messages mean, the more telling first. */
const EXPLANATIONS: readonly Explanation[] = [
  {
    words: /no space left on device|disk quota exceeded/i,
    code: 'resource-exhausted',
    found: (image) => `there is no room on the disk for the image ${image}`,
    hint: 'free some space, or kata-runtime rmi an image',
  },
  {
    words: /no image found in (?:manifest list|image index) for architecture .*/i,
    code: 'failed-precondition',
    found: (image, detail) => `the image ${image} is expected for this machine's architecture: ${detail}`,
    hint: 'choose an image that was built for it',
  },
  {
    words: /manifest unknown|name unknown|repository .* not found|404 \(?not found|not found: manifest unknown/i,
    code: 'not-found',
    found: (image) => `the image ${image} is expected in its registry, it is not there`,
    hint: 'check name and tag',
  },
  {
    words:
      /unauthorized|authentication required|access to the resource is denied|403 \(?forbidden|invalid username\/password/i,
    code: 'permission-denied',
    found: (image) => `the image ${image} is not there, or its registry wants a login first`,
    hint: 'check the name, or: skopeo login REGISTRY',
  },
  {
    words: /toomanyrequests|too many requests/i,
    code: 'unavailable',
    found: (image) => `the registry of ${image} has had too many requests from here`,
    hint: 'wait, or: skopeo login REGISTRY',
  },
  {
    words: /server gave HTTP response to HTTPS client/i,
    code: 'failed-precondition',
    found: (image) => `the registry of ${image} is expected to speak HTTPS, it speaks HTTP`,
    hint: 'set insecure = true for it in /etc/containers/registries.conf',
  },
  {
    words: /x509: [^"]*|tls: [^"]*/i,
    code: 'permission-denied',
    found: (image, detail) => `the registry of ${image} is not trusted: ${detail}`,
    hint: 'put its certificate into /etc/containers/certs.d/REGISTRY/',
  },
  {
    words:
      /no such host|server misbehaving|connection refused|i\/o timeout|network is unreachable|no route to host|connection reset|TLS handshake timeout|temporary failure in name resolution|deadline exceeded/i,
    code: 'unavailable',
    found: (image, detail) => `the registry of ${image} cannot be reached: ${detail}`,
    hint: `check the network or HTTPS_PROXY, ${LOCAL_IMAGES}`,
  },
  {
    words: /policy\.json: no such file/i,
    code: 'failed-precondition',
    found: () => 'skopeo expects /etc/containers/policy.json, it is not there',
    hint: 'apt install golang-github-containers-common, or write {"default":[{"type":"insecureAcceptAnything"}]} to it',
  },
  {
    words:
      /no such file or directory|no such image|no descriptor found for reference.*|more than one image in oci, choose an image|reference .* not found|tag .* not found/i,
    code: 'not-found',
    found: (image, detail) => `an image is expected at ${image}: ${detail}`,
    hint: 'check the path and the tag',
  },
  {
    words:
      /not a directory|unexpected end of JSON input|invalid character .*|unexpected EOF|error (?:processing|reading) tar|archive\/tar.*/i,
    code: 'data-loss',
    found: (image, detail) => `${image} is expected to hold an image, what is there is none: ${detail}`,
    hint: 'check which transport fits: oci:, oci-archive:, docker-archive: or dir:',
  },
];

/** The message of skopeo's last complaint, out of its log's `time=… level=fatal msg="…"`. */
function complaint(stderr: string): string {
  const lines = stderr.trim().split('\n');
  const line = lines.findLast((text) => /level=(fatal|error)/.test(text)) ?? lines.at(-1) ?? '';
  const quoted = /msg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (quoted === undefined) return line;
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted.slice(1, -1);
  }
}

/** One line for a failed `skopeo copy`: what was expected, what was found, what to do. */
export function explainSkopeo(
  stderr: string,
  reference: ImageReference,
  status: { code: number; signal: number } = { code: 1, signal: 0 },
): KataError {
  const said = complaint(stderr).replace(/\s+/g, ' ');
  for (const { words, code, found, hint } of EXPLANATIONS) {
    const detail = words.exec(said)?.[0];
    if (detail !== undefined) return new KataError(code, found(reference.name, detail), { hint });
  }
  const how = status.signal === 0 ? `ended with ${status.code}` : `was ended by signal ${status.signal}`;
  return new KataError('unknown', `skopeo is expected to fetch ${reference.name}, it ${how}: ${said}`, {
    hint: `see more with: skopeo inspect ${reference.source}`,
  });
}
