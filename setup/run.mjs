// Running other programs, and failing in one line.
import { spawn, spawnSync } from 'node:child_process';
import os from 'node:os';

/** A failure that is told to a person in its message alone, without a stack. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError';
}

/** Somebody ended this program by a signal, and what it ran has ended. */
export class Interruption extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(`ended by ${signal}`);
    this.status = 128 + os.constants.signals[signal];
  }
}

/** @type {NodeJS.Signals[]} */
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** One key press may reach us twice: from the terminal, and from npm, which passes it on. */
const SAME_SIGNAL_MS = 1000;

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
 * Runs a program that speaks to the person itself. A signal that is to end us is passed on to it and all that it started,
 * and we end when it has; a second one kills them.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] `env` is added to the environment.
 * @returns {Promise<number>} Its exit status; 128 for a signal.
 * @throws {Interruption} When it has ended and we were to end.
 */
export function runVisibly(program, args, { cwd, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      // A process group of its own: the terminal's signals do not reach it beside ours.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    /** @type {{ signal: NodeJS.Signals, atMs: number } | undefined} */
    let first;
    /** @param {NodeJS.Signals} signal */
    const passOn = (signal) => {
      const isSame = first !== undefined && performance.now() - first.atMs < SAME_SIGNAL_MS;
      if (isSame || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      process.kill(-child.pid, first === undefined ? signal : 'SIGKILL');
      first ??= { signal, atMs: performance.now() };
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, passOn);
    const stopListening = () => {
      for (const signal of ENDING_SIGNALS) process.off(signal, passOn);
    };
    child.on('error', (error) => {
      stopListening();
      reject(new SetupError(`${program} could not be started: ${error.message}`));
    });
    child.on('close', (status) => {
      stopListening();
      if (first === undefined) resolve(status ?? 128);
      else reject(new Interruption(first.signal));
    });
  });
}

/**
 * The frame of a script: what it throws becomes one message and exit status 1, or that of the signal that ended it; a
 * number it returns, the exit status.
 * @param {() => Promise<number | void>} body
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    const isForPeople = error instanceof SetupError || error instanceof Interruption;
    console.error(isForPeople ? `error: ${error.message}` : error);
    process.exitCode = error instanceof Interruption ? error.status : 1;
  }
}
