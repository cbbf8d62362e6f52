import { expect, test } from '@jest/globals';
import { inputStages, stageFile, stagesAfter } from '../../../operator/core/plan.ts';
import { settingsDigest } from '../../../operator/core/settings-digest.ts';
import { stageFile as stageFileSchema } from '../../../trainer/contract/stage-file.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, succeeded } from '../../support/stages.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets:
  - {name: sums, jsonl: data/sums.jsonl, heldOut: {jsonl: data/held-out.jsonl}}
  - {name: pairs, generator: {task: preferences}}
  - {name: unused, generator: {task: facts}}
defaults:
  evaluation: {data: [sums]}
  workers: 2
  resources: {limits: {nvidia.com/gpu: 1}}
stages:
  - {name: sft, sft: {data: [sums]}, resources: {limits: {nvidia.com/gpu: 8}}}
  - {name: judge, model: {from: sft}, rewardModel: {pairs: [pairs]}}
  - name: r1
    model: {from: sft}
    grpo: {prompts: [sums], steps: 9, rewards: [{accuracy: {}}, {rewardModel: {from: judge}}]}
  - {name: samples, model: {from: r1}, sample: {prompts: [sums], rewardModel: judge}}
  - {name: review, review: {data: samples}}
`);

test('knows which stages a stage uses, and which use it', () => {
  const uses = pipeline.spec.stages.map((stage) => inputStages(stage, pipeline));
  expect(uses).toEqual([[], ['sft'], ['sft', 'judge'], ['judge', 'r1'], ['samples']]);
  expect(stagesAfter(pipeline, 'judge')).toEqual(['judge', 'r1', 'samples', 'review']);
  expect(stagesAfter(pipeline, 'review')).toEqual(['review']);
});

test('a stage file holds what the trainer needs, by the schema of the contract', () => {
  const stages = succeeded(pipeline, ['sft', 'judge']);
  const r1 = created(pipeline, stages, 'r1');
  const file = stageFile(r1, 2, {
    resolve: (path) => `/manifests/${path}`,
    input: ({ stage, path }) => `/volume/${stage}/${path}`,
    fetched: () => '/nowhere',
    out: '/volume/r1',
  });
  expect(stageFileSchema.parse(file)).toEqual(file);
  expect(file).toMatchObject({
    pipeline: 'test',
    stage: 'r1',
    attempt: 2,
    settings: { grpo: { steps: 9 } },
    model: { input: { stage: 'sft', path: '/volume/sft/step-000003' } },
    datasets: [
      { name: 'sums', jsonl: '/manifests/data/sums.jsonl', heldOut: { jsonl: '/manifests/data/held-out.jsonl' } },
    ],
    inputs: { judge: { stage: 'judge', path: '/volume/judge/step-000003' } },
    evaluation: { data: ['sums'] },
    out: '/volume/r1',
    keepLast: 2,
    workers: 2,
  });
});

test('a stage takes its own placement, else that of the defaults', () => {
  const stages = succeeded(pipeline, ['sft']);
  expect(stages[0]?.spec.resources).toEqual({ limits: { 'nvidia.com/gpu': 8 } });
  expect(created(pipeline, stages, 'judge').spec).toMatchObject({ resources: { limits: { 'nvidia.com/gpu': 1 } } });
  expect(created(pipeline, stages, 'judge').spec.evaluation).toBeUndefined();
});

test('only what decides a result is in its digest', () => {
  const { spec } = created(pipelineOf(fourStages), [], 'pretrained');
  const digest = settingsDigest(spec);
  expect(settingsDigest({ ...spec, suspend: true, workers: 9, deadlineSeconds: 5, retry: { hung: 3 } })).toBe(digest);
  expect(settingsDigest({ ...spec, seed: 8 })).not.toBe(digest);
});
