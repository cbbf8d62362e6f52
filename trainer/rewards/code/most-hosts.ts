import { availableParallelism } from 'node:os';

/** As many programs of a language run at a time. */
export const mostHosts = Math.min(availableParallelism(), 4);
