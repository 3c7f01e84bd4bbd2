import { syscall } from 'sys';
import { close, pipe, setNonBlocking, setPipeSize } from '../../os/fd.ts';
import type { Pty } from '../../os/pty.ts';
import { NR } from '../../syscall/numbers.ts';

/** Throughput under emulation is bound by switches between processes: a full pipe should mean many bytes. */
const DEFAULT_PIPE_BYTES = 1 << 20;

/** Our ends of a process's input and output, -1 for none. With a terminal stdin and stdout are one descriptor. */
export interface ParentStdio {
  terminal: boolean;
  stdin: number;
  stdout: number;
  stderr: number;
}

/** The process's ends: what becomes its descriptors 0, 1 and 2. */
export type ChildStdio = [stdin: number, stdout: number, stderr: number];

export interface Stdio {
  parent: ParentStdio;
  child: ChildStdio;
}

/** Three pipes. Our ends don't block; the process's do. */
export function pipeStdio(pipeSizeBytes = 0): Stdio {
  const open: number[] = [];
  const newPipe = (): [number, number] => {
    const ends = pipe();
    open.push(...ends);
    return ends;
  };
  try {
    const [childIn, stdin] = newPipe();
    const [stdout, childOut] = newPipe();
    const [stderr, childErr] = newPipe();
    for (const fd of [stdin, stdout, stderr]) setNonBlocking(fd);
    for (const fd of [stdout, stderr]) setPipeSize(fd, pipeSizeBytes || DEFAULT_PIPE_BYTES);
    return { parent: { terminal: false, stdin, stdout, stderr }, child: [childIn, childOut, childErr] };
  } catch (error) {
    for (const fd of open) close(fd);
    throw error;
  }
}

/** Nothing: the process opens a terminal by itself, inside its container. */
export function noStdio(): Stdio {
  return { parent: { terminal: true, stdin: -1, stdout: -1, stderr: -1 }, child: [-1, -1, -1] };
}

/** A pseudo-terminal that exists already. */
export function terminalStdio({ controllerFd, terminalFd }: Pty): Stdio {
  setNonBlocking(controllerFd);
  return {
    parent: { terminal: true, stdin: controllerFd, stdout: controllerFd, stderr: -1 },
    child: [terminalFd, terminalFd, terminalFd],
  };
}

/** Closes the process's ends, which it has by itself once it was forked. */
export function closeChildStdio(child: ChildStdio): void {
  for (const fd of new Set(child)) close(fd);
}

/** Closes our ends. */
export function closeParentStdio({ stdin, stdout, stderr }: ParentStdio): void {
  for (const fd of new Set([stdin, stdout, stderr])) close(fd);
}

/**
 * In the child: makes its ends the descriptors 0, 1 and 2, and gives them to its user, who may open `/dev/stdout` again.
 */
export function placeStdio(child: ChildStdio, uid: number): void {
  // Out of the way first where one of them already has a number that is still to be filled.
  const F_DUPFD_CLOEXEC = 1030;
  const sources = child.map((fd) => (fd < 3 ? syscall(NR.fcntl, fd, F_DUPFD_CLOEXEC, 3) : fd));
  sources.forEach((fd, target) => {
    syscall(NR.dup3, fd, target, 0);
    if (uid !== 0) syscall(NR.fchown, target, uid, -1);
  });
}
