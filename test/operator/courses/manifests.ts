import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import { edited, gated, twoRoots, withSetting } from '../../support/edited-pipelines.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';

const queued = 'defaults: {queue: team}\n';
const shared = 'storage: {accessMode: ReadWriteMany}\n';
const helped = (workers: number) =>
  fourStages.replace('{accuracy: {}}]}', `{accuracy: {}}]}, rolloutWorkers: ${workers}`);

/**
 * Manifests of one pipeline as a person might edit it, the first one first: in a row, with two roots, on a shared volume, with rollout
 * workers, and with those in a queue.
 */
export const families: readonly (readonly R1Pipeline[])[] = [
  fourStages,
  twoRoots,
  twoRoots + shared,
  helped(2),
  helped(2) + queued,
].map((text) =>
  [
    text,
    ...edited(text),
    text.replace('pretrain: {data: [sums], steps: 3', 'pretrain: {data: [sums], steps: 6'),
    `${text}budget: {hours: 0.01}`,
    `${text}budget: {hours: 0.01}`.replace('seed: 3', 'seed: 4'),
    gated(text, 'metric: eval_train/pass@1, atLeast: 0.5'),
    gated(text, 'metric: eval_train/pass@1, atLeast: 0.5, onFailure: Wait'),
    text.replace('rolloutWorkers: 2', 'rolloutWorkers: 1'),
    text.replace('rolloutWorkers: 2', 'rolloutWorkers: 0'),
    withSetting(text, 'storage', 'retention: Retain'),
    withSetting(text, 'storage', 'retention: Delete'),
  ].map(pipelineOf),
);

/** The family of rollout workers in a queue. */
export const queuedWorkers = families.length - 1;
