import { succeededStatus } from '../../operator/api/resources/conditions.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import type { StageWarning } from '../../trainer/contract/files/progress.ts';
import { stageTypes } from '../../trainer/contract/settings/settings.ts';

/** What a display shows of a run at one moment. */
export interface RunState {
  readonly pipeline: R1Pipeline;
  /** Stages that were created so far. */
  readonly stages: readonly R1Stage[];
}

/** A stage of the manifest with what has become of it. */
export interface StageState {
  readonly name: string;
  readonly type: string;
  readonly state: string;
  readonly message: string;
  readonly attempt: number;
  /** Its newest attempt runs now. */
  readonly running: boolean;
  readonly step: number;
  readonly steps: number;
  readonly phase: string;
  /** Those of the result, or else of the newest progress line. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly secondsLeft: number | undefined;
  /** Seconds that its attempts ran so far. */
  readonly seconds: number;
  readonly digest: string | undefined;
  readonly ended: boolean;
  /** Its own end, whatever its pipeline makes of it. */
  readonly succeeded: boolean;
  /** What the newest attempt warns of, such as that it learns nothing. */
  readonly warnings: readonly StageWarning[];
  /** The newest attempt that failed, with its cause. */
  readonly failure: { readonly attempt: number; readonly text: string } | undefined;
}

/** Every stage of the manifest, in its order. */
export function stageStates({ pipeline, stages }: RunState, now: number): StageState[] {
  return pipeline.spec.stages.map((entry) => {
    const stage = stages.find(({ spec }) => spec.stage === entry.name);
    const status = stage?.status;
    const listed = listedIn(pipeline, entry.name);
    const newest = status?.attempts.at(-1);
    const failed = status?.attempts.findLast(({ outcome }) => outcome === 'Failed');
    const progress = status?.progress;
    const finalStep = status?.checkpoint?.step ?? 0;
    const succeeded = hasSucceeded(stage);
    const result = status?.metrics ?? {};
    const shown = heldIn(pipeline, stage) ?? status?.display;
    return {
      name: entry.name,
      type: stageTypes.find((type) => entry[type] !== undefined) ?? '',
      state: shown?.state ?? listed?.state ?? 'Pending',
      message: shown?.message ?? listed?.message ?? '',
      attempt: newest?.number ?? 0,
      running: newest?.outcome === 'Running',
      step: succeeded ? finalStep : (progress?.step ?? 0),
      steps: succeeded ? finalStep : (progress?.steps ?? 0),
      phase: progress?.phase ?? '',
      metrics: Object.keys(result).length > 0 ? result : (progress?.metrics ?? {}),
      secondsLeft: progress?.secondsLeft,
      seconds: (status?.attempts ?? []).reduce(
        (sum, { startedAt, endedAt }) => sum + elapsed(startedAt, endedAt, now),
        0,
      ),
      digest: status?.checkpoint?.digest,
      succeeded,
      warnings: status?.warnings ?? [],
      failure: failed && { attempt: failed.number, text: `${failed.class ?? 'failed'}: ${failed.message}` },
      ended: status?.conditions.some(({ type, status: is }) => type === 'Succeeded' && is !== 'Unknown') ?? false,
    };
  });
}

/** A stage with the state that its pipeline gives it: one word for it in every table. */
export function asPipelineShows(stage: R1Stage, pipeline: R1Pipeline | undefined): R1Stage {
  const held = pipeline && heldIn(pipeline, stage);
  const { status } = stage;
  if (held === undefined || status?.display === undefined) return stage;
  const { state, message } = held;
  return { ...stage, status: { ...status, display: { ...status.display, state, message } } };
}

/** What a finished stage does not know of itself: its gate waits for a person, or its manifest fits its work no more. */
function heldIn(pipeline: R1Pipeline, stage: R1Stage | undefined) {
  const listed = stage && hasSucceeded(stage) ? listedIn(pipeline, stage.spec.stage) : undefined;
  return listed !== undefined && heldByPipeline.has(listed.state) ? listed : undefined;
}

const heldByPipeline = new Set(['Waiting', 'Changed']);

function listedIn({ status }: R1Pipeline, stage: string) {
  return status?.stages.find(({ name }) => name === stage);
}

function hasSucceeded(stage: R1Stage | undefined): boolean {
  return succeededStatus(stage?.status?.conditions) === 'True';
}

function elapsed(startedAt: string, endedAt: string | undefined, now: number): number {
  return Math.max(0, ((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000);
}
