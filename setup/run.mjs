// Running other programs, and failing in one line.
import { spawn, spawnSync } from 'node:child_process';

/** A failure that is told to a person in its message alone, without a stack. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {NodeJS.ProcessEnv} [env] Added to the environment.
 * @property {Uint8Array | string} [input] Standard input; otherwise empty.
 */

/**
 * Runs a program to its end without a shell, and keeps its output. The event loop goes on, so that progress is shown.
 * @param {string} program
 * @param {string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<Buffer>} Its standard output.
 * @throws {SetupError} When it cannot be started or fails, with the last lines that it printed.
 */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    /** @type {Buffer[]} */
    const out = [];
    /** @type {Buffer[]} */
    const all = [];
    child.stdout?.on('data', (chunk) => {
      out.push(chunk);
      all.push(chunk);
    });
    child.stderr?.on('data', (chunk) => all.push(chunk));
    child.on('error', (error) => reject(new SetupError(`${program} could not be started: ${error.message}`)));
    child.on('close', (status, signal) => {
      if (status === 0) return resolve(Buffer.concat(out));
      const said = Buffer.concat(all).toString().trimEnd().split('\n').slice(-30).join('\n');
      const how = signal ? `was ended by ${signal}` : `failed with status ${status}`;
      reject(new SetupError(`${[program, ...args].join(' ').slice(0, 200)} ${how}:\n${said}`));
    });
    if (child.stdin) {
      // A program that ends before it read all says so by its status.
      child.stdin.on('error', () => {});
      child.stdin.end(options.input);
    }
  });
}

/**
 * What a quick program prints, or null when it cannot be run or fails.
 * @param {string} program
 * @param {string[]} args
 */
export function answer(program, args) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 64 << 20 });
  return result.status === 0 ? result.stdout : null;
}

/**
 * Runs a program that speaks to the person itself.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] `env` is added to the environment.
 * @returns {Promise<number>} Its exit status; 128 for a signal.
 */
export function runVisibly(program, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    child.on('error', (error) => reject(new SetupError(`${program} could not be started: ${error.message}`)));
    child.on('close', (status) => resolve(status ?? 128));
  });
}

/**
 * The frame of a script: what it throws becomes one message and exit status 1; a number it returns, the exit status.
 * @param {() => Promise<number | void>} body
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    console.error(error instanceof SetupError ? `error: ${error.message}` : error);
    process.exitCode = 1;
  }
}
