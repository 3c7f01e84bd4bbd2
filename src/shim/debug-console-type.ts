/**
 * The type of an Exec's spec that opens the guest's debug console in place of a process in a container: JSON, the fields of
 * `ConsoleWindow` but for the terminal, which the request itself names. Upstream has no such type.
 */
export const DEBUG_CONSOLE_TYPE = 'kata_ts.DebugConsole';
