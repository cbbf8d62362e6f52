import type { StageType } from '../../trainer/contract/settings/settings.ts';
import { findCondition, waitingReasons, type Condition } from './resources/conditions.ts';
import { stageType } from './resources/pipeline-stage.ts';
import type { PipelineDisplay, PipelineStatus } from './resources/pipeline.ts';
import type { StageDisplay, StageStatus } from './resources/stage.ts';

export type State =
  | 'Pending'
  | (typeof waitingReasons)[number]
  | 'Running'
  | 'Retrying'
  | 'Stopping'
  | 'Waiting'
  | 'Waiting for a person'
  | 'Suspended'
  | 'Interrupted'
  | 'Succeeded'
  | 'Failed';

/** The one word for people; machines read the condition. */
export function stateOf(conditions: readonly Condition[] | undefined): State {
  const succeeded = findCondition(conditions, 'Succeeded');
  if (succeeded === undefined) return 'Pending';
  if (succeeded.status === 'True') return 'Succeeded';
  if (succeeded.status === 'False') return 'Failed';
  switch (succeeded.reason) {
    case 'AttemptRunning':
    case 'StageRunning':
      return 'Running';
    case 'BackingOff':
    case 'RunningAgain':
      return 'Retrying';
    case 'AttemptStopping':
      return 'Stopping';
    case 'Suspended':
      return 'Suspended';
    case 'Interrupted':
      return 'Interrupted';
    case 'WaitingForPerson':
      return 'Waiting for a person';
    case 'WaitingForApproval':
    case 'WaitingForInputs':
      return 'Waiting';
    default:
      return waitingReasons.find((each) => each === succeeded.reason) ?? 'Pending';
  }
}

/** Strings for the printer columns of an R1Stage; the empty string where there is nothing to show. */
export function displayStage(
  spec: { readonly [type in StageType]?: unknown },
  status: Omit<StageStatus, 'display'>,
): StageDisplay {
  const { progress, metrics, checkpoint, rolloutWorkers } = status;
  const said = findCondition(status.conditions, 'Succeeded')?.message ?? '';
  const lacking =
    rolloutWorkers?.message === undefined ? [] : [`${workersInWords(rolloutWorkers)}: ${rolloutWorkers.message}`];
  const state = stateOf(status.conditions);
  const done = state === 'Succeeded';
  const metric = (...names: string[]): string => {
    const name = names.find((each) => metrics[each] !== undefined);
    return name === undefined ? '' : formatNumber(metrics[name] ?? 0);
  };
  return {
    type: stageType(spec),
    state,
    step: formatSteps(done ? checkpoint?.step : undefined, progress),
    progress: done ? '100%' : formatShare(progress?.step, progress?.steps),
    reward: metric('reward'),
    loss: metric('loss', 'policy_loss'),
    attempt: status.attempts.at(-1)?.number ?? 0,
    passAt1: metric('eval/pass@1'),
    kl: metric('kl'),
    node: status.node ?? '',
    ...(progress?.device === undefined ? {} : { device: progress.device }),
    ...(rolloutWorkers === undefined ? {} : { workers: `${rolloutWorkers.running}/${rolloutWorkers.asked}` }),
    checkpoint: checkpoint === undefined ? '' : `${checkpoint.path}@${checkpoint.digest.slice(0, 12)}`,
    warnings: (status.warnings ?? []).map(({ reason }) => reason).join(','),
    message: shorten([said, ...lacking].join('; ')),
  };
}

function workersInWords({ asked, running }: NonNullable<StageStatus['rolloutWorkers']>): string {
  return running === 0 ? 'without rollout workers' : `${running} of ${asked} rollout workers`;
}

/** @param saved steps in the final checkpoint; the newest progress line was written somewhat earlier */
function formatSteps(saved: number | undefined, progress: StageStatus['progress']): string {
  if (saved !== undefined && saved > 0) return `${saved}/${saved}`;
  return progress === undefined || progress.steps === 0 ? '' : `${progress.step}/${progress.steps}`;
}

/** Strings for the printer columns of an R1Pipeline. */
export function displayPipeline(
  status: Omit<PipelineStatus, 'display'>,
  current: readonly { readonly name: string; readonly status?: StageStatus | undefined }[],
  context: {
    readonly restarts: number;
    readonly queue: string | undefined;
    readonly passAt1: number | undefined;
    /** Names of the stages that warn. */
    readonly warned: readonly string[];
  },
): PipelineDisplay {
  const succeeded = status.stages.filter(({ state }) => state === 'Succeeded').length;
  const [first] = current;
  const secondsLeft = first?.status?.progress?.secondsLeft;
  const reward = first?.status?.metrics.reward;
  const state = stateOf(status.conditions);
  return {
    state,
    stage: shorten(current.map(({ name }) => name).join(','), 200),
    progress: `${succeeded}/${status.stages.length}`,
    eta: secondsLeft === undefined || state !== 'Running' ? '' : formatDuration(secondsLeft),
    gpuHours: status.gpuHours === 0 ? '' : status.gpuHours.toFixed(status.gpuHours < 10 ? 2 : 0),
    restarts: context.restarts,
    reward: reward === undefined ? '' : formatNumber(reward),
    passAt1: context.passAt1 === undefined ? '' : formatNumber(context.passAt1),
    queue: context.queue ?? '',
    warnings: shorten(context.warned.join(','), 400),
    message: shorten(findCondition(status.conditions, 'Succeeded')?.message ?? ''),
  };
}

/** Three digits that matter: `0.532`, `12.4`, `1.2e-5`. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 0.001 || size >= 1e6) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** `45s`, `3m20s`, `2h5m`, `4d3h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole}s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return pair(minutes, 'm', whole % 60, 's');
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? pair(hours, 'h', minutes % 60, 'm') : pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function pair(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big}${bigUnit}` : `${big}${bigUnit}${small}${smallUnit}`;
}

function formatShare(part: number | undefined, whole: number | undefined): string {
  return part === undefined || whole === undefined || whole === 0 ? '' : `${Math.floor((100 * part) / whole)}%`;
}

function shorten(text: string, length = 1000): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}
