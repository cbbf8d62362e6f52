import type { StageResult } from '../../contract/files/progress.ts';
import type { Metrics } from './metrics.ts';

/** The result of a stage whose work is done. Of the checkpoint it says what the operator pins, and no more. */
export function successResult(message: string, metrics: Metrics, made?: StageResult['checkpoint']): StageResult {
  const checkpoint = made && { path: made.path, step: made.step, digest: made.digest };
  return { outcome: 'succeeded', reason: 'succeeded', message, ...(checkpoint && { checkpoint }), metrics };
}

/** Message of a stage that an earlier attempt has finished without saying so. */
export const finishedEarlier = 'finished by an earlier attempt';
