/** The part of QuickJS's `os` and `std` modules that is used: its event loop and its exit. */
declare module 'os' {
  export function setReadHandler(fd: number, handler: (() => void) | null): void;
  export type Timer = { readonly __timer: unique symbol };
  export function setTimeout(callback: () => void, delayMs: number): Timer;
  export function clearTimeout(timer: Timer): void;
}
declare module 'std' {
  export function exit(status: number): never;
  export function gc(): void;
  export function getenv(name: string): string | undefined;
  export function getenviron(): Record<string, string>;
  export function setenv(name: string, value: string): void;
  export function unsetenv(name: string): void;
}
/** The command line, the program's name first. */
declare const scriptArgs: string[];
/** One line to standard output. */
declare function print(...values: unknown[]): void;
