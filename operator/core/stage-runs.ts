import type { R1Pipeline } from '../api/resources/pipeline.ts';
import { inputsOf, type R1Stage } from '../api/resources/stage.ts';
import { runName, secondStageObjectName, stageObjectName } from './names.ts';

/** A copy of a stage's object names the same owner, and is none of its stages all the same. */
export function isStageOf(pipeline: string, { metadata, spec }: R1Stage): boolean {
  const { name } = metadata;
  return name === stageObjectName(pipeline, spec.stage) || name === secondStageObjectName(pipeline, spec.stage);
}

/**
 * Who else has this stage of this pipeline, and had it first. Two objects for one stage would be one too many to say
 * which of their results is the stage's.
 *
 * @param all stages of the namespace that name the same pipeline
 */
export function firstOwner(stage: R1Stage, all: Iterable<R1Stage>): R1Stage | undefined {
  let first = stage;
  for (const other of all) {
    if (isSameStage(stage, other) && order(other) < order(first)) first = other;
  }
  return first.metadata.uid === stage.metadata.uid ? undefined : first;
}

/** The older first; of two that were restored in the same second the pipeline's own. */
function order(stage: R1Stage): string {
  const { name, creationTimestamp = '' } = stage.metadata;
  return [creationTimestamp, isStageOf(stage.spec.pipeline, stage) ? 0 : 1, name].join(' ');
}

const remembered = 16;

/**
 * Runs of a stage that its pipeline has made, oldest first. The directories of those that are not there any more are only
 * known from here.
 *
 * @param known those of the pipeline's status
 */
export function runsOf(known: readonly string[], object: R1Stage | undefined): string[] {
  const uid = object?.metadata.uid;
  const runs = uid === undefined ? known : [...known.filter((name) => name !== runName(uid)), runName(uid)];
  return runs.slice(-remembered);
}

/**
 * Runs of a stage that may be removed: its pipeline has made them, their objects are gone, and no object names what they
 * have published.
 *
 * @param all stages of the namespace that name the same pipeline
 */
export function goneRuns(pipeline: R1Pipeline | undefined, stage: R1Stage, all: Iterable<R1Stage>): string[] {
  const known = pipeline?.status?.stages.find(({ name }) => name === stage.spec.stage)?.runs ?? [];
  const gone = new Set(runsOf(known, stage).slice(0, -1));
  if (gone.size === 0) return [];
  for (const other of all) {
    if (other.metadata.uid !== undefined && isSameStage(stage, other)) gone.delete(runName(other.metadata.uid));
    if (other.spec.pipeline !== stage.spec.pipeline) continue;
    for (const input of inputsOf(other.spec)) {
      if (input.stage === stage.spec.stage) gone.delete(input.path.split('/')[0] ?? '');
    }
  }
  return [...gone];
}

function isSameStage({ spec }: R1Stage, other: R1Stage): boolean {
  return other.spec.pipeline === spec.pipeline && other.spec.stage === spec.stage;
}
