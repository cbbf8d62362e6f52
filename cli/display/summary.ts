import { shortDigest } from '../../trainer/report/format.ts';
import { table } from '../table.ts';
import { shortDuration } from './progress-text.ts';
import type { StageState } from './run-state.ts';

/** The table at the end of a run: quality on held-out prompts after every stage, and its checkpoint. */
export function summaryTable(stages: readonly StageState[]): string {
  return table(
    [
      { title: 'STAGE' },
      { title: 'TYPE' },
      { title: 'STATE' },
      { title: 'PASS@1', align: 'right' },
      { title: 'FORMAT', align: 'right' },
      { title: 'LANGUAGE', align: 'right' },
      { title: 'STEPS', align: 'right' },
      { title: 'TIME', align: 'right' },
      { title: 'CHECKPOINT' },
    ],
    stages.map(({ name, type, state, metrics, step, seconds, digest }) => [
      name,
      type,
      state,
      withError(metrics['eval/pass@1'], metrics['eval/pass@1_stderr']),
      rate(metrics['eval/format_rate']),
      rate(metrics['eval/language_consistency']),
      step > 0 ? String(step) : undefined,
      seconds > 0 ? shortDuration(seconds) : undefined,
      digest && shortDigest(digest),
    ]),
  );
}

function withError(value: number | undefined, error: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return error === undefined ? rate(value) : `${rate(value)} ± ${rate(error)}`;
}

function rate(value: number | undefined): string | undefined {
  return value?.toFixed(3);
}
