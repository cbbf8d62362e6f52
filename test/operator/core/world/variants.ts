import type { R1Pipeline } from '../../../../operator/api/pipeline.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';

const roots = fourStages.replace('{from: pretrained}', '{init: {}}');
const gated = (text: string, gate: string) =>
  text.replace('rewards: [{accuracy: {}}]}', `rewards: [{accuracy: {}}]}, evaluation: {data: [sums]}, gate: {${gate}}`);

/** Manifests of one pipeline as a person might edit it, the first one first; in a row, and with two roots. */
export const variants: readonly (readonly R1Pipeline[])[] = [fourStages, roots].map((text) =>
  [
    text,
    text.replace('seed: 3', 'seed: 4'),
    text.replace('grpo: {prompts: [sums], steps: 3', 'grpo: {prompts: [sums], steps: 5'),
    text.replace('steps: 3}}', 'steps: 3}, resources: {limits: {memory: 64Gi}}}'),
    text.replace('steps: 3}}', 'steps: 3}, retry: {infrastructure: 0}, deadlineSeconds: 5000}'),
    text.replace('sft: {data: [samples]}', 'sft: {data: [samples], learningRate: 1e-3}'),
    text.replace(/ {2}- \{name: student.*\n/, ''),
    `${text}budget: {hours: 1}`,
    `${text}budget: {gpuHours: 1.5}`,
    `${text}defaults: {evaluation: {data: [sums]}}`,
    gated(text, 'metric: eval/pass@1, atLeast: 0.5'),
    gated(text, 'metric: eval/pass@1, atLeast: 0.5, onFailure: Rollback'),
    gated(text, 'metric: eval/pass@1, atLeast: 0.5, onFailure: Wait'),
    gated(text, 'approval: true'),
  ].map(pipelineOf),
);
