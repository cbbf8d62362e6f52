import type { RunResult } from '../../operator/local/run-result.ts';
import { shortDigest } from '../../trainer/report/format.ts';
import { table } from '../table.ts';
import { waitingGates } from '../waiting-gates.ts';
import { shortDuration } from './progress-text.ts';
import { type RunState, type StageState, stageStates } from './run-state.ts';

/** The table of a pipeline as it is now. */
export function summaryOf(run: RunState): string {
  return summaryTable(stageStates(run, Date.now()));
}

/**
 * Prints what a pipeline came to; what its stages warn of was shown while it ran.
 *
 * @param took such as `4m 05s`
 * @param command that takes a stage at its end, such as `r1 logs r1-tiny` of `logs`
 */
export function printOutcome(result: RunResult, took: string, command: (verb: string) => string): void {
  const { pipeline, outcome, succeeded, message } = result;
  console.log(`\n${summaryOf(result)}\n`);
  const end = `${pipeline.metadata.name}: ${outcome.toLowerCase()} after ${took}`;
  if (succeeded) console.log(end);
  else console.error(`${end}: ${message}`);
  for (const { name, state } of stageStates(result, Date.now())) {
    if (state === 'Failed') console.error(`What ${name} said: ${command('logs')} ${name}`);
  }
  for (const line of waitingGates(pipeline, command('approve'), 'r1 run')) console.error(line);
}

/** The table at the end of a run: quality after every stage, on held-out prompts where there are some, and its checkpoint. */
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
    stages.flatMap(({ name, type, state, metrics, step, seconds, digest }) => {
      const rest = [
        step > 0 ? String(step) : undefined,
        seconds > 0 ? shortDuration(seconds) : undefined,
        digest && shortDigest(digest),
      ];
      const stage = [name, type, state, ...figures(metrics, 'eval'), ...rest];
      const learned = figures(metrics, 'eval_train');
      // A row of its own: these rows say nothing of others, and must not stand where held-out figures do.
      return learned.every((each) => each === undefined)
        ? [stage]
        : [stage, [onTrainingRows, '', '', ...learned, '', '', '']];
    }),
  );
}

const onTrainingRows = '  on training rows';

function figures(metrics: Readonly<Record<string, number>>, prefix: 'eval' | 'eval_train'): (string | undefined)[] {
  return [
    withError(metrics[`${prefix}/pass@1`], metrics[`${prefix}/pass@1_stderr`]),
    rate(metrics[`${prefix}/format_rate`]),
    rate(metrics[`${prefix}/language_consistency`]),
  ];
}

function withError(value: number | undefined, error: number | undefined): string | undefined {
  if (value === undefined) return undefined;
  return error === undefined ? rate(value) : `${rate(value)} ± ${rate(error)}`;
}

function rate(value: number | undefined): string | undefined {
  return value?.toFixed(3);
}
