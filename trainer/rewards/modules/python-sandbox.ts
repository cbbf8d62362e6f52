import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../contract/process/errors.ts';
import type { RewardPythonSettings } from '../../contract/settings/own-functions.ts';
import { confined, type SandboxProgram } from '../runners/confinement.ts';

const program = fileURLToPath(new URL('./sandbox.py', import.meta.url));

/** The sandbox of a reward in Python: a process with bounds of its own memory and time, the rights of the trainer on files, and no environment. */
export function pythonSandbox(settings: Omit<RewardPythonSettings, 'weight' | 'domains'>): SandboxProgram {
  const { format, timeoutSeconds, memoryMiB } = settings;
  const options = ['-s', '-B', '-u', '-X', 'utf8'];
  const limits = [format, String(timeoutSeconds), String(memoryMiB)];
  return {
    command: confined(program, [executableOf(settings), ...options, program, ...limits]),
    // Sets must come in the same order in every process, or a run that goes on is another run: -I, which is the rest of this, would leave
    // their order to chance. And threads of libraries add numbers in any order, and take address space by the core.
    environment: { PYTHONHASHSEED: '0', OMP_NUM_THREADS: '1' },
    channel: 'lines',
    memoryMiB,
  };
}

/** Where the interpreter itself lies: what is on PATH may be a script that chooses one by its environment. */
function executableOf({ file, interpreter }: Pick<RewardPythonSettings, 'file' | 'interpreter'>): string {
  const asked = spawnSync(interpreter, ['-I', '-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' });
  const found = asked.status === 0 ? asked.stdout.trim() : '';
  if (found !== '') return found;
  const { code } = (asked.error ?? {}) as NodeJS.ErrnoException;
  const instead = code === 'ENOENT' ? `found no ${interpreter} on this machine` : `${interpreter} is no Python 3`;
  throw new UserError(`${file}: ${instead}; expected one that runs it, which grpo.rewards[].python.interpreter names`);
}
