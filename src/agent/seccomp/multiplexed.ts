import type { Condition } from './rules.ts';

/** Calls of socketcall(2) from 1 on, of 32-bit x86 (linux/net.h). */
const SOCKET_CALLS = [
  ...['socket', 'bind', 'connect', 'listen', 'accept', 'getsockname', 'getpeername', 'socketpair', 'send', 'recv'],
  ...['sendto', 'recvfrom', 'shutdown', 'setsockopt', 'getsockopt', 'sendmsg', 'recvmsg', 'accept4', 'recvmmsg'],
  'sendmmsg',
];

/** Calls of ipc(2), of 32-bit x86 (linux/ipc.h). */
const IPC_CALLS: Readonly<Record<string, number>> = {
  semop: 1,
  semget: 2,
  semctl: 3,
  semtimedop: 4,
  msgsnd: 11,
  msgrcv: 12,
  msgget: 13,
  msgctl: 14,
  shmat: 21,
  shmdt: 22,
  shmget: 23,
  shmctl: 24,
};

/**
 * The other way to make a system call on 32-bit x86: `socket` is also `socketcall` with 1 for its first argument. A rule
 * for the one must hold for the other, else a deny-list has a hole. The call's own arguments are behind a pointer there,
 * which a filter cannot follow: only rules without conditions can be carried over.
 */
export function multiplexedCall(name: string): { through: string; condition: Condition } | undefined {
  const socketCall = SOCKET_CALLS.indexOf(name) + 1;
  if (socketCall > 0) return { through: 'socketcall', condition: firstArgumentIs(socketCall) };
  if (Object.hasOwn(IPC_CALLS, name)) return { through: 'ipc', condition: firstArgumentIs(IPC_CALLS[name]!) };
  return undefined;
}

function firstArgumentIs(value: number): Condition {
  return { index: 0, operator: 'EQ', value: BigInt(value), valueTwo: 0n };
}
