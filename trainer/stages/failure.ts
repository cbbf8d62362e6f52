import { TrainerError } from '../contract/process/errors.ts';
import { exitCodes } from '../contract/process/exit-codes.ts';
import { isOutOfMemory } from '../contract/process/out-of-memory.ts';
import type { StageResult } from '../contract/files/progress.ts';

/** The result of a stage that ended with an error. */
export function failureResult(error: unknown): StageResult {
  const { reason, message } = asTrainerError(error) ?? { reason: 'bug', message: messageOf(error) };
  return {
    outcome: reason === 'interrupted' ? 'interrupted' : 'failed',
    reason,
    message: message.slice(0, 2000),
    metrics: {},
  };
}

/**
 * Says on stderr what went wrong, in one line if a person can act on it, and gives the exit code.
 *
 * @param speaker what the line begins with, instead of the reason that logs of stages have there
 */
export function reportFailure(error: unknown, speaker?: string): number {
  const known = asTrainerError(error);
  if (known === undefined) {
    console.error(error);
    return 1;
  }
  console.error(`${speaker ?? known.reason}: ${known.message}`);
  return exitCodes[known.reason];
}

function asTrainerError(error: unknown): TrainerError | undefined {
  if (error instanceof TrainerError) return error;
  if (!isOutOfMemory(error)) return undefined;
  return new TrainerError('outOfMemory', messageOf(error), { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
