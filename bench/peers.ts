import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { UserError } from '../trainer/contract/errors.ts';
import { modelConfig } from './workload.ts';

const run = promisify(execFile);

/** The peers' Python interpreter. Throws UserError when they are not installed. */
export function peerPython(): string {
  const environment = process.env['R1_BENCH_VENV'] ?? join(homedir(), '.cache/r1-bench/venv');
  const python = join(environment, 'bin/python');
  if (!existsSync(python)) {
    throw new UserError(`${python}: not found; bench/peers/install.sh installs the peers there (R1_BENCH_VENV)`);
  }
  return python;
}

export function peerProgram(benchmark: string): string {
  return join(import.meta.dirname, 'peers', `${benchmark.replaceAll('-', '_')}.py`);
}

/** Has transformers write a model with random weights, which both sides then read. */
export async function writeModel(python: string, directory: string, vocabulary: number): Promise<void> {
  const settings = `${directory}.settings.json`;
  await writeFile(settings, JSON.stringify({ seed: 0, config: { ...modelConfig, vocab_size: vocabulary } }));
  await run(python, [join(import.meta.dirname, 'peers/model.py'), settings, directory]);
}
