import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isTold, takeGlobalOptions } from './global-options.ts';

it('reads what stands in front of the command, and nothing behind it', () => {
  const line = ['--config', '/c.toml', '--log-level=info', '--debug', 'run', '--debug', 'busybox'];
  const { options, rest } = takeGlobalOptions(line);
  assert.deepEqual(options, { configPath: '/c.toml', debug: true, logLevel: 'debug', showDefaultConfigPaths: false });
  assert.deepEqual(rest, ['run', '--debug', 'busybox']);
});

it('takes upstream’s flags for the configuration', () => {
  assert.equal(takeGlobalOptions(['--kata-config=/k.toml', 'env']).options.configPath, '/k.toml');
  assert.equal(takeGlobalOptions(['--show-default-config-paths']).options.showDefaultConfigPaths, true);
});

it('says what it expects of a level, and that a value is missing', () => {
  assert.throws(() => takeGlobalOptions(['--log-level', 'loud']), /error, warn, info, debug, found "loud"/);
  assert.throws(() => takeGlobalOptions(['--config']), /--config is expected to be followed by a value/);
  assert.throws(() => takeGlobalOptions(['--debug=yes', 'ps']), /without a value/);
});

it('tells warnings unless only errors are wanted', () => {
  assert.equal(isTold('warn', 'warn'), true);
  assert.equal(isTold('warn', 'error'), false);
  assert.equal(isTold('debug', 'info'), false);
});
