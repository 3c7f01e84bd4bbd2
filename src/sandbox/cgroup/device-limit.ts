import type { OciDeviceRule } from '../../oci/spec.ts';
import { attachDeviceFilter, detachDeviceFilter, loadDeviceFilter } from '../../os/cgroup/device-filter.ts';
import type { Hierarchy } from '../../os/cgroup/hierarchy.ts';
import { isErrno } from '../../os/errno.ts';
import { close } from '../../os/fd.ts';
import { writeControl } from '../../os/file.ts';
import { isType, S, statIfExists } from '../../os/stat.ts';
import type { SandboxLog } from '../sandbox-log.ts';
import {
  allowDevice,
  deviceLine,
  HOST_DEVICES,
  type HostDeviceRule,
  hostDeviceRules,
  toDeviceRules,
} from './host-device-rules.ts';

interface Target {
  hierarchy: Hierarchy;
  sandbox: string;
}

interface Wishes {
  devices: readonly OciDeviceRule[];
  sandboxCgroupOnly: boolean;
  debug: boolean;
  log: SandboxLog;
}

/** Which devices of the host may be opened from the sandbox's cgroup: by `devices.allow` of cgroup v1, by a filter on v2. */
export class DeviceLimit {
  readonly #target: Target;
  #rules: HostDeviceRule[];
  /** How often each device is allowed, by its line. */
  readonly #uses = new Map<string, number>();
  readonly #log: SandboxLog;
  /** The filter that holds; -1 on v1. */
  #program = -1;

  /** The limit of a sandbox, in force; undefined when its spec denies nothing, or when there is no device controller. */
  static of(targets: readonly Target[], { devices, sandboxCgroupOnly, debug, log }: Wishes): DeviceLimit | undefined {
    const target = targets.find(
      ({ hierarchy }) => hierarchy.version === 2 || hierarchy.controllers.includes('devices'),
    );
    if (target === undefined || devices.length === 0) return undefined;
    const rules = hostDeviceRules(devices, HOST_DEVICES.flatMap(ruleFor), debug && sandboxCgroupOnly);
    if (rules.length === 0) return undefined;
    return new DeviceLimit(target, rules, log);
  }

  private constructor(target: Target, rules: HostDeviceRule[], log: SandboxLog) {
    this.#target = target;
    this.#rules = rules;
    this.#log = log;
    for (const rule of rules) this.#count(rule, 1);
    if (target.hierarchy.version === 2) this.#filter();
    else for (const rule of rules) this.#write(rule);
  }

  /** Lets the devices among these paths be opened as well, until the result is called as often as this was. */
  allow(paths: readonly string[]): () => void {
    const rules = paths.flatMap(ruleFor);
    const fresh = rules.filter((rule) => this.#count(rule, 1) === 1);
    if (fresh.length > 0) this.#change(fresh, true);
    return () => {
      const unused = rules.filter((rule) => this.#count(rule, -1) === 0);
      if (unused.length > 0) this.#change(unused, false);
    };
  }

  /** How often a device is allowed after this change; those that always are count once more. */
  #count(rule: HostDeviceRule, change: number): number {
    const line = deviceLine(rule);
    const count = (this.#uses.get(line) ?? 0) + change;
    this.#uses.set(line, count);
    return count;
  }

  #change(rules: readonly HostDeviceRule[], allow: boolean): void {
    const lines = new Set(rules.map(deviceLine));
    if (allow) this.#rules.push(...rules);
    else this.#rules = this.#rules.filter((rule) => !lines.has(deviceLine(rule)));
    if (this.#target.hierarchy.version === 2) this.#filter();
    else for (const rule of rules) this.#write({ ...rule, allow });
  }

  close(): void {
    if (this.#program >= 0) close(this.#program);
    this.#program = -1;
  }

  #write(rule: HostDeviceRule): void {
    const line = deviceLine(rule);
    try {
      writeControl(`${this.#target.sandbox}/devices.${rule.allow ? 'allow' : 'deny'}`, line);
    } catch (error) {
      // The cgroup above may not use it either.
      if (!rule.allow || !isErrno(error, 'EPERM')) throw error;
      this.#log.info(`the sandbox may not use the device ${line}: the cgroup above ${this.#target.sandbox} may not`);
    }
  }

  #filter(): void {
    const { sandbox } = this.#target;
    const program = loadDeviceFilter(toDeviceRules(this.#rules));
    try {
      // Whatever one of two filters denies is denied: there is no moment without.
      attachDeviceFilter(sandbox, program);
      if (this.#program >= 0) detachDeviceFilter(sandbox, this.#program);
    } catch (error) {
      close(program);
      throw error;
    }
    this.close();
    this.#program = program;
  }
}

/** The rule that allows the device at a path; none for what is no device, or is not there. */
function ruleFor(path: string): HostDeviceRule[] {
  const found = statIfExists(path);
  if (found === null) return [];
  const { rdevMajor, rdevMinor } = found;
  if (isType(found, S.IFBLK)) return [allowDevice('b', rdevMajor, rdevMinor)];
  return isType(found, S.IFCHR) ? [allowDevice('c', rdevMajor, rdevMinor)] : [];
}
