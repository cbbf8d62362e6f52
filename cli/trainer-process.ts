import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { exitCodes } from '../trainer/contract/process/exit-codes.ts';
import { trainerCommand } from '../trainer/contract/process/trainer-command.ts';
import { cliExitCodes } from './exit-codes.ts';

/**
 * Runs a command of the trainer with this terminal as its input and output, in its own process: it loads ONNX Runtime,
 * which `r1` itself never does.
 *
 * @param stdout `ignore` leaves out what it says of its progress
 * @returns the exit code for `r1`
 */
export async function runTrainer(
  args: readonly string[],
  { stdout = 'inherit' }: { readonly stdout?: 'inherit' | 'ignore' } = {},
): Promise<number> {
  const [program, ...leading] = trainerCommand();
  const child = spawn(program, [...leading, ...args], { stdio: ['inherit', stdout, 'inherit'] });
  // The terminal sends Ctrl-C to both; a SIGTERM reaches us alone. The child decides how to end.
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGTERM', forward).on('SIGINT', wait);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return exitCodeFor(code, signal);
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', wait);
  }
}

/** Keeps the default action of a signal, our end, from coming before the child's. */
function wait(): void {}

function exitCodeFor(code: number | null, signal: NodeJS.Signals | null): number {
  if (code === exitCodes.succeeded) return cliExitCodes.ok;
  if (code === exitCodes.userError) return cliExitCodes.userError;
  if (code === exitCodes.interrupted || signal === 'SIGINT' || signal === 'SIGTERM') return cliExitCodes.interrupted;
  return cliExitCodes.failed;
}
