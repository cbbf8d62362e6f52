#!/usr/bin/env -S node --max-semi-space-size=4
// What lives for one pass is collected often and small: V8 would else let it grow by 60 MB, for no gain in speed.
import { enableCompileCache } from 'node:module';

// Compiled code of what is imported from here on is kept in the temporary directory: a restarted container starts faster.
enableCompileCache();
await import('./program.ts');
