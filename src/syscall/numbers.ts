/** The system call numbers of the architecture that is built for. Another architecture is another file like this one's. */
export { NR } from './x86-64.ts';
