/** Where a sandbox tells what happens. */
export interface SandboxLog {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
}
