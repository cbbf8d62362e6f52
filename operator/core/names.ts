import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { R1Stage, StageSpec } from '../api/resources/stage.ts';
import { sortedKeys } from './sorted-keys.ts';

/** Name of the R1Stage of a pipeline's stage. */
export function stageObjectName(pipeline: string, stage: string): string {
  return `${pipeline}-${stage}`;
}

/** The same where another pipeline has that name: stage b-c of pipeline a, and stage c of pipeline a-b. */
export function secondStageObjectName(pipeline: string, stage: string): string {
  return `${stageObjectName(pipeline, stage)}-${digestOf([pipeline, stage]).slice(0, 8)}`;
}

/** The claim of a pipeline that brings none. */
export function claimName(pipeline: string): string {
  return `${pipeline}-volume`;
}

/** The claim that the pods of a stage mount: one that is named, or that of its pipeline. */
export function claimNameOf({ storage, pipeline }: Pick<StageSpec, 'storage' | 'pipeline'>): string {
  return storage.claimName ?? claimName(pipeline);
}

/** A Job's pods, and the host names of an Indexed Job's, add to its name and must stay DNS labels of 63 characters. */
const longestAttemptName = 50;

/**
 * Name of an attempt: of its Job, and of all that is made for it. A DNS label of at most 50 characters; a long name
 * gives way to the beginning of the stage's and a hash of the whole.
 *
 * @param stage name of the R1Stage
 */
export function attemptName(stage: string, attempt: number): string {
  const ending = `-${attempt}`;
  const label = stage.replaceAll('.', '-');
  if (label === stage && label.length + ending.length <= longestAttemptName) return `${label}${ending}`;
  const hash = `-${digestOf(stage).slice(0, 8)}`;
  const kept = label.slice(0, longestAttemptName - hash.length - ending.length).replace(/-+$/, '');
  return `${kept}${hash}${ending}`;
}

/** Name of the Job of an attempt's rollout workers. */
export function rolloutJobName(stage: string, attempt: number): string {
  return `${attemptName(stage, attempt)}-rollout`;
}

/**
 * Name of the Secret that an attempt and its rollout workers share. Stages of one name have different ones, so that nobody
 * needs the right to read Secrets to find out whose one is.
 *
 * @param uid of the R1Stage
 */
export function rolloutSecretName(stage: string, uid: string, attempt: number): string {
  return `${rolloutJobName(stage, attempt)}-${uid.slice(0, 8)}`;
}

/**
 * Name of the Secret with the token of a review's page: the same for all attempts, so that a page that is open goes on.
 *
 * @param uid of the R1Stage
 */
export function reviewSecretName(stage: string, uid: string): string {
  return `${stage}-review-${uid.slice(0, 8)}`;
}

/** Name of the Service by which rollout workers find their learner; a Service's name begins with a letter. */
export function learnerServiceName(stage: string, attempt: number): string {
  const name = attemptName(stage, attempt);
  return /^[a-z]/.test(name) ? name : `r1-${name}`;
}

/**
 * The directory of a pipeline on its volume. Namespaces can share what is behind their volumes, such as an exported
 * directory, and have pipelines of one name.
 */
export function pipelineDirectory({ metadata, spec }: R1Stage): string {
  return `${metadata.namespace ?? 'default'}/${spec.pipeline}`;
}

/**
 * Directory of an R1Stage below that of its stage, 8 hex digits: a stage that was deleted and runs again, or another
 * object for the same stage, begins anew and finds nothing of the other.
 */
export function runName(uid: string): string {
  return uid.slice(0, 8);
}

/**
 * Where an attempt writes, below its stage's own directory: nobody else ever writes there, not even an earlier attempt
 * whose node was lost and came back.
 *
 * @param uid of the R1Stage
 */
export function attemptDirectory(uid: string, attempt: number): string {
  return `${runName(uid)}/attempt-${attempt}`;
}

/** Two values are the same JSON, whatever the order of their keys; much faster than digests for those that are. */
export function sameContent(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) || digestOf({ value: a }) === digestOf({ value: b });
}

/** SHA-256 of a value as canonical JSON (keys sorted, undefined left out), lower-case hex. */
export function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sortedKeys(value)) ?? '')
    .digest('hex');
}
