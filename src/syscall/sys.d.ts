/** The project's C file, `sys.c`, as TypeScript sees it. */
declare module 'sys' {
  export type TypedArray =
    | Uint8Array
    | Int8Array
    | Uint16Array
    | Int16Array
    | Uint32Array
    | Int32Array
    | BigUint64Array
    | BigInt64Array;
  /** What a system call takes: a value, a NUL-terminated string, memory by its address, or nothing (0). */
  export type SyscallArgument = number | bigint | string | TypedArray | null | undefined;
  /** syscall(2): the kernel's answer, or `-errno`. */
  export function syscall(nr: number, ...args: SyscallArgument[]): number;
  /** The address of the first byte. Keep the array reachable while the kernel may look at it. */
  export function addressOf(memory: TypedArray): bigint;
  export function utf8Encode(text: string): ArrayBuffer;
  /** Malformed bytes become U+FFFD. */
  export function utf8Decode(bytes: Uint8Array): string;
  /** `listener` hears of every promise rejected while nobody waits for it, and again when somebody does. */
  export function onRejection(listener: (promise: Promise<unknown>, reason: unknown, handled: boolean) => void): void;
}
