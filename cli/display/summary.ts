import type { RunResult } from '../../operator/local/run-result.ts';
import { shortDigest } from '../../trainer/report/format.ts';
import { table } from '../table.ts';
import { shortDuration } from './progress-text.ts';
import { type RunState, type StageState, stageStates } from './run-state.ts';

/** The table of a pipeline as it is now. */
export function summaryOf(run: RunState): string {
  return summaryTable(stageStates(run, Date.now()));
}

/**
 * Prints what a pipeline came to.
 *
 * @param took such as `4m 05s`
 * @param logs prints what a stage said, such as `r1 logs r1-tiny`
 */
export function printOutcome(result: RunResult, took: string, logs: string): void {
  const { pipeline, outcome, succeeded, message } = result;
  console.log(`\n${summaryOf(result)}\n`);
  const end = `${pipeline.metadata.name}: ${outcome.toLowerCase()} after ${took}`;
  if (succeeded) console.log(end);
  else console.error(`${end}: ${message}`);
  const stages = stageStates(result, Date.now());
  for (const { name, warnings } of stages) {
    for (const warning of warnings) console.log(`${name}: warning (${warning.reason}): ${warning.message}`);
  }
  for (const { name, state } of stages) {
    if (state === 'Failed') console.error(`What ${name} said: ${logs} ${name}`);
  }
}

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
