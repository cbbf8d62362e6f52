#!/usr/bin/env node
import { enableCompileCache } from 'node:module';

// Compiled code of what is imported from here on is kept in the temporary directory: it halves the start of a stage.
enableCompileCache();
await import('./program.ts');
