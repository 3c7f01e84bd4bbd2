/** Levels of `agent.log`, most severe first. */
export const LOG_LEVELS = ['critical', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Priorities of syslog(2), which `/dev/kmsg` takes. With `quiet` the console shows 3 and less: a warning of ours is
 * worth its time. The kernel knows nothing finer than debug.
 */
const PRIORITY: Record<LogLevel, number> = { critical: 2, error: 3, warn: 3, info: 6, debug: 7, trace: 7 };

/** The facility `daemon` of syslog(3), so that the kernel's own messages are told from ours. */
const FACILITY_DAEMON = 3;

/** The number before a line of `/dev/kmsg`. */
export function kmsgPriority(level: LogLevel): number {
  return FACILITY_DAEMON * 8 + PRIORITY[level];
}

/** Whether a message of `level` is wanted when the limit is `limit`. */
export function isWanted(level: LogLevel, limit: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(limit);
}
