import { basename } from 'node:path';

/** kubectl runs a program of this name as `kubectl r1`: everything is then about a cluster. */
export const isPlugin = /^kubectl-r1\b/.test(basename(process.argv[1] ?? ''));

/** How a person calls this program. */
export const programName = isPlugin ? 'kubectl r1' : 'r1';
