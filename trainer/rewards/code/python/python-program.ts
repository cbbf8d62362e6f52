// The program of the process in which answers in Python run. It is started with Node's permission model and may read this directory and Pyodide
// alone, so it imports nothing of ours from elsewhere but types.
import { readFileSync } from 'node:fs';
import type { Job } from '../code-tests.ts';
import { Python } from './python.ts';

const [directory = '', answerFile = ''] = process.argv.slice(2);

// A signal for the whole group is the trainer's to act on. Without the trainer there is nothing to do.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());

const python = await Python.start(directory, readFileSync(answerFile, 'utf8'));
process.on('message', (job: Job) => process.send?.(python.run(job)));
process.send?.('ready');
