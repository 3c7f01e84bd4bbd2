import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainSkopeo } from './explain-skopeo.ts';
import { parseReference } from './reference.ts';

const explain = (message: string, reference = 'ghcr.io/owner/app:v1') =>
  explainSkopeo(
    `time="2026-01-01T00:00:00Z" level=fatal msg=${JSON.stringify(message)}\n`,
    parseReference(reference, '/'),
  );
const PINGING = 'initializing source docker://x: pinging container registry ghcr.io:';

test('each failure is one line that says what to do', () => {
  const cases: [message: string, code: string, line: RegExp][] = [
    [
      `${PINGING} Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.0.0.1:53: no such host`,
      'unavailable',
      /ghcr.io\/owner\/app:v1 cannot be reached: no such host.*network/,
    ],
    [
      `${PINGING} Get "https://ghcr.io/v2/": dial tcp 1.2.3.4:443: connect: connection refused`,
      'unavailable',
      /refused/,
    ],
    [
      'initializing source docker://x: reading manifest v1 in ghcr.io/owner/app: manifest unknown',
      'not-found',
      /not there.*name and tag/,
    ],
    [
      'reading manifest latest in docker.io/library/x: errors:\ndenied: requested access to the resource is denied\nunauthorized: authentication required',
      'permission-denied',
      /login/,
    ],
    ['toomanyrequests: You have reached your pull rate limit', 'unavailable', /too many requests/],
    [
      'pinging: Get "https://localhost:5000/v2/": http: server gave HTTP response to HTTPS client',
      'failed-precondition',
      /insecure = true/,
    ],
    [
      'Get "https://r/v2/": x509: certificate signed by unknown authority',
      'permission-denied',
      /not trusted: x509: cert/,
    ],
    ['writing blob: storing blob to file "/x": write /x: no space left on device', 'resource-exhausted', /no room/],
    [
      'choosing image instance: no image found in manifest list for architecture arm64, variant "", OS linux',
      'failed-precondition',
      /architecture arm64/,
    ],
    ['open /etc/containers/policy.json: no such file or directory', 'failed-precondition', /policy\.json/],
  ];
  for (const [message, code, line] of cases) {
    const error = explain(message);
    assert.equal(error.code, code, message);
    assert.match(error.line, line);
    assert.doesNotMatch(error.line, /\n/);
  }
});

test('a path that holds no image is said to be that', () => {
  const missing = explain(
    'initializing source oci:/nowhere:v1: open /nowhere/index.json: no such file or directory',
    'oci:/nowhere:v1',
  );
  assert.equal(missing.code, 'not-found');
  assert.match(missing.line, /expected at oci:\/nowhere:v1: no such file/);
  assert.equal(explain('unexpected EOF', 'docker-archive:/x.tar').code, 'data-loss');
});

test('what is not known is told in skopeo’s own words', () => {
  const error = explain('something new');
  assert.equal(error.code, 'unknown');
  assert.match(error.line, /something new.*skopeo inspect docker:\/\/ghcr.io\/owner\/app:v1/);
  const killed = explainSkopeo('', parseReference('busybox', '/'), { code: 137, signal: 9 });
  assert.match(killed.message, /ended by signal 9/);
});
