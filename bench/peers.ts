import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../trainer/contract/process/errors.ts';

/** The peers' Python interpreter. Throws UserError when they are not installed. */
export function peerPython(): string {
  const environment = process.env['R1_BENCH_VENV'] ?? join(homedir(), '.cache/r1-bench/venv');
  const python = join(environment, 'bin/python');
  if (!existsSync(python)) {
    throw new UserError(`${python}: not found; bench/peers/install.sh installs the peers there (R1_BENCH_VENV)`);
  }
  return python;
}

export function peerProgram(program: string): string {
  return join(import.meta.dirname, 'peers', `${program}.py`);
}
