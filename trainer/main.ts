#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { exitCodes } from './contract/exit-codes.ts';

// The first process of a container never gets a signal that it has no handler for. What has something to save, or to
// close, brings a handler of its own.
process.on('SIGTERM', () => {
  if (process.listenerCount('SIGTERM') === 1) process.exit(exitCodes.interrupted);
});

// Compiled code of what is imported from here on is kept in the temporary directory: it halves the start of a stage.
enableCompileCache();
await import('./program.ts');
