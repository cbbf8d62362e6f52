#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=4 --heap-growing-percent=25
// What lives for one pass is collected often and small, and the rest before it has grown by more than a quarter: V8 would else
// let both grow, to save a sixth of the operator's CPU time. With 300 pipelines it takes some 40 MiB
// more without the flags (docs/benchmarks.md): an administrator pays for that all day, for the CPU time while stages change.
// One pool of memory for all threads: glibc would give each of V8's its own, and keep what they free.
import { enableCompileCache } from 'node:module';

// Compiled code of what is imported from here on is kept in the temporary directory: a restarted container starts faster.
enableCompileCache();
await import('./program.ts');
