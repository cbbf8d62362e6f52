#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Compiled code of what is imported from here on is kept in the temporary directory: a restarted container starts faster.
enableCompileCache();
await import('./program.ts');
