import type { R1Pipeline } from '../../../operator/api/pipeline.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';

const roots = fourStages.replace('{from: pretrained}', '{init: {}}');
const gated = (text: string, gate: string) =>
  text.replace('rewards: [{accuracy: {}}]}', `rewards: [{accuracy: {}}]}, evaluation: {data: [sums]}, gate: {${gate}}`);
const shared = 'storage: {accessMode: ReadWriteMany}\n';
const kept = (text: string, retention: string) =>
  text.includes('storage: {')
    ? text.replace('storage: {', `storage: {retention: ${retention}, `)
    : `${text}storage: {retention: ${retention}}\n`;
const helped = (workers: number) =>
  fourStages.replace('{accuracy: {}}]}', `{accuracy: {}}]}, rolloutWorkers: ${workers}`);

/**
 * Manifests of one pipeline as a person might edit it, the first one first: in a row, with two roots, on a shared volume, with rollout
 * workers.
 */
export const families: readonly (readonly R1Pipeline[])[] = [fourStages, roots, roots + shared, helped(2)].map((text) =>
  [
    text,
    text.replace('seed: 3', 'seed: 4'),
    text.replace('grpo: {prompts: [sums], steps: 3', 'grpo: {prompts: [sums], steps: 5'),
    text.replace('pretrain: {data: [sums], steps: 3', 'pretrain: {data: [sums], steps: 6'),
    text.replace('steps: 3}}', 'steps: 3}, resources: {limits: {memory: 64Gi}}}'),
    text.replace('steps: 3}}', 'steps: 3}, retry: {infrastructure: 0}, deadlineSeconds: 5000}'),
    text.replace('sft: {data: [samples]}', 'sft: {data: [samples], learningRate: 1e-3}'),
    text.replace(/ {2}- \{name: student.*\n/, ''),
    `${text}budget: {hours: 0.01}`,
    `${text}budget: {hours: 0.01}`.replace('seed: 3', 'seed: 4'),
    `${text}defaults: {evaluation: {data: [sums]}}`,
    gated(text, 'metric: eval_train/pass@1, atLeast: 0.5'),
    gated(text, 'metric: eval_train/pass@1, atLeast: 0.5, onFailure: Wait'),
    gated(text, 'approval: true'),
    text.replace('rolloutWorkers: 2', 'rolloutWorkers: 1'),
    text.replace('rolloutWorkers: 2', 'rolloutWorkers: 0'),
    kept(text, 'Retain'),
    kept(text, 'Delete'),
  ].map(pipelineOf),
);
