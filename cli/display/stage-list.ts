import sliceAnsi from 'slice-ansi';
import stringWidth from 'string-width';
import { styleText } from 'node:util';
import { metricTexts, shortDuration } from './progress-text.ts';
import { type RunState, type StageState, stageStates } from './run-state.ts';

const barWidth = 20;

/** The whole run as lines of a terminal: one a stage, the running ones with a bar. */
export function stageList(run: RunState, now: number, columns: number): string {
  const stages = stageStates(run, now);
  const nameWidth = Math.max(...stages.map(({ name }) => name.length));
  const typeWidth = Math.max(...stages.map(({ type }) => type.length));
  const lines = stages.flatMap((stage) => stageLines(stage, nameWidth, typeWidth));
  return [headline(run, stages, now), ...lines].map((line) => fit(line, columns)).join('\n');
}

function headline({ pipeline }: RunState, stages: readonly StageState[], now: number): string {
  const { display, startedAt } = pipeline.status ?? {};
  const done = stages.filter(({ state }) => state === 'Succeeded').length;
  return [
    styleText('bold', pipeline.metadata.name),
    display?.state ?? 'Pending',
    `${done}/${stages.length} stages`,
    ...(startedAt === undefined ? [] : [shortDuration((now - Date.parse(startedAt)) / 1000)]),
  ].join('  ');
}

const marks: Readonly<Record<string, readonly [mark: string, colour: 'green' | 'red' | 'cyan' | 'yellow']>> = {
  Succeeded: ['✔', 'green'],
  Failed: ['✖', 'red'],
  Running: ['●', 'cyan'],
  Suspended: ['‖', 'yellow'],
};

function stageLines(stage: StageState, nameWidth: number, typeWidth: number): string[] {
  const warnings = stage.warnings.map(({ message }) => styleText('yellow', `    warning: ${message}`));
  return [...ownLines(stage, nameWidth, typeWidth), ...warnings];
}

function ownLines(stage: StageState, nameWidth: number, typeWidth: number): string[] {
  const begun = stage.attempt > 0;
  const [mark, colour] = marks[stage.state] ?? (begun ? ['●', 'yellow'] : ['○', undefined]);
  const head = `${colour ? styleText(colour, mark) : mark} ${stage.name.padEnd(nameWidth)}  ${stage.type.padEnd(typeWidth)}`;
  if (!begun && !stage.ended) return [styleText('dim', head)];
  if (stage.ended) {
    const text = [shortDuration(stage.seconds).padStart(7), ...figures(stage)].join('  ');
    const why = stage.state === 'Succeeded' ? [] : [styleText(colour ?? 'yellow', `    ${stage.message}`)];
    return [`${head}  ${text}`, ...why];
  }
  const parts = [
    ...(stage.steps > 0 ? [bar(stage.step / stage.steps), `${stage.step}/${stage.steps}`] : []),
    stage.state === 'Running' ? stage.phase : stage.state,
    ...metricTexts(stage.metrics),
    ...(stage.secondsLeft === undefined ? [] : [`${shortDuration(stage.secondsLeft)} left`]),
    ...(stage.attempt > 1 ? [`attempt ${stage.attempt}`] : []),
  ];
  return [`${head}  ${parts.filter((part) => part !== '').join('  ')}`];
}

/** What a finished stage is judged by; its last loss or reward when it was not evaluated. */
function figures({ metrics }: StageState): string[] {
  const evaluated = Object.fromEntries(Object.entries(metrics).filter(([name]) => /^eval(_train)?\//.test(name)));
  return metricTexts(Object.keys(evaluated).length > 0 ? evaluated : metrics);
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * barWidth);
  return styleText('cyan', '━'.repeat(full)) + styleText('dim', '─'.repeat(barWidth - full));
}

/** A line that wraps would spoil the columns: it is cut. */
function fit(line: string, columns: number): string {
  return stringWidth(line) <= columns ? line : `${sliceAnsi(line, 0, columns - 1)}…`;
}
