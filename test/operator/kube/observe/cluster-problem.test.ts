import { describe, expect, test } from '@jest/globals';
import type { Reason } from '../../../../operator/api/resources/conditions.ts';
import type { PipelineStatus } from '../../../../operator/api/resources/pipeline.ts';
import { pipelineProblem, stageProblem } from '../../../../operator/kube/observe/cluster-problem.ts';
import { pipelineOf } from '../../../support/pipelines.ts';
import { stageOf } from '../../../support/stage-objects.ts';

const stages = 'stages: [{name: sft, sft: {data: [chat]}}]';

test.each([
  { name: 'a generator', spec: `base: {init: {}}\ndatasets: [{name: chat, generator: {task: addition}}]` },
  {
    name: 'a file below a volume',
    spec: `base: {init: {}}\nvolumes: [{path: data, configMap: chat}]\ndatasets: [{name: chat, file: data/chat.jsonl}]`,
  },
  {
    name: 'a file that is a volume',
    spec: `base: {init: {}}\nvolumes: [{path: data/chat.jsonl, configMap: chat, subPath: chat.jsonl}]\ndatasets: [{name: chat, file: ./data/chat.jsonl}]`,
  },
  {
    name: 'a model with an absolute path, which the image may have',
    spec: 'base: {path: /models/qwen3}\ndatasets: [{name: chat, generator: {task: addition}}]',
  },
])('$name can be had', ({ spec }) => {
  expect(pipelineProblem(pipelineOf(`${spec}\n${stages}`))).toBeUndefined();
});

test.each([
  {
    name: 'a file on no volume',
    spec: 'base: {init: {}}\ndatasets: [{name: chat, file: data/chat.jsonl}]',
    problem: 'data/chat.jsonl: no such file in a pod; on a cluster a relative path must lie on one of spec.volumes',
  },
  {
    name: 'a file beside the volumes',
    spec: `base: {init: {}}\nvolumes: [{path: data, configMap: chat}]\ndatasets: [{name: chat, file: data-2/chat.jsonl}]`,
    problem:
      'data-2/chat.jsonl: no such file in a pod; on a cluster a relative path must lie on one of spec.volumes (data)',
  },
  {
    name: 'a file above a volume',
    spec: `base: {init: {}}\nvolumes: [{path: data, configMap: chat}]\ndatasets: [{name: chat, file: data/../chat.jsonl}]`,
    problem: 'data/../chat.jsonl: no such file',
  },
  {
    name: 'held-out rows on no volume',
    spec: `base: {init: {}}\nvolumes: [{path: data, configMap: chat}]\ndatasets: [{name: chat, file: data/chat.jsonl, heldOut: {file: held.jsonl}}]`,
    problem: 'held.jsonl: no such file',
  },
  {
    name: 'a model on no volume',
    spec: 'base: {path: models/qwen3}\ndatasets: [{name: chat, generator: {task: addition}}]',
    problem: 'models/qwen3: no such file',
  },
])('$name cannot', ({ spec, problem }) => {
  expect(pipelineProblem(pipelineOf(`${spec}\n${stages}`))).toContain(problem);
});

test('the same is said of a stage without a pipeline', () => {
  const stage = stageOf(
    'model: {path: models/qwen3}\ndatasets: [{name: chat, generator: {task: addition}}]\nsft: {data: [chat]}',
  );
  expect(stageProblem(stage.spec)).toContain('models/qwen3: no such file');
});

test('a name that no admission policy has refused is found before anything starts', () => {
  const pipeline = pipelineOf(`base: {init: {}}\ndatasets: [{name: chat, generator: {task: addition}}]\n${stages}`);
  const [sft] = pipeline.spec.stages;
  const changed = { ...pipeline.spec, stages: [sft!, { ...sft!, name: 'again', model: { from: 'again' } }] };
  expect(pipelineProblem({ ...pipeline, spec: changed })).toBe(
    'spec.stages[1].model.from: found "again", expected an earlier pretrain, grpo or sft stage',
  );
});

describe('a pipeline that got past the admission policy', () => {
  const healthy = pipelineOf('base: {init: {}}\ndatasets: [{name: chat, generator: {task: addition}}]\n' + stages);
  const [sft] = healthy.spec.stages;
  const twice = { ...healthy.spec, stages: [sft, sft] } as typeof healthy.spec;

  test('is judged by the same rules', () => {
    expect(pipelineProblem({ ...healthy, spec: twice })).toMatch(/^spec\.stages/);
  });

  test('may have fields of a newer definition', () => {
    const stage = { ...sft!, emaDecay: 0 };
    expect(
      pipelineProblem({ ...healthy, spec: { ...healthy.spec, newer: {}, stages: [stage] } as never }),
    ).toBeUndefined();
  });

  test('is judged once a generation, and what was said then stays', () => {
    const metadata = { ...healthy.metadata, generation: 2 };
    const told = { ...healthy, spec: { ...twice }, metadata, status: statusOf('Unknown', 'StageRunning') };
    expect(pipelineProblem(told)).toBeUndefined();
    const refused = { ...told, spec: { ...twice }, status: statusOf('False', 'UserError') };
    expect(pipelineProblem(refused)).toMatch(/^spec\.stages/);
  });
});

function statusOf(status: 'Unknown' | 'False', reason: Reason): PipelineStatus {
  const succeeded = { type: 'Succeeded', status, reason, message: '', lastTransitionTime: '' };
  return { observedGeneration: 2, conditions: [succeeded] } as unknown as PipelineStatus;
}
