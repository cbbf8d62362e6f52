#!/usr/bin/env -S node --max-semi-space-size=8 --heap-growing-percent=50
import { enableCompileCache } from 'node:module';
import { stopOnSignals } from './stop-on-signals.ts';

// As the first process of a pod it would not even notice a signal that comes while it loads, and go on.
if (['run', 'rollout', 'fetch'].includes(process.argv[2] ?? '')) stopOnSignals();

// Compiled code of what is imported from here on is kept in the temporary directory: it halves the start of a stage.
enableCompileCache();
await import('./program.ts');
