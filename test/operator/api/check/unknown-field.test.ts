import { expect, test } from '@jest/globals';
import { schemaOf, validateManifest } from '../../../../operator/api/manifest.ts';
import { otherNames } from '../../../../operator/api/check/other-names.ts';
import type { StructuralSchema } from '../../../../operator/api/check/structural-schema.ts';
import { manifest } from '../../../support/manifest.ts';

const grpo = 'prompts: [sums], steps: 3, rewards: [{accuracy: {}}]';

function problemsOf({ stage = `grpo: {${grpo}}`, init = '{}', spec = '' }): string[] {
  const text = manifest(`
base: {init: ${init}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: zero, ${stage}}]
${spec}`);
  return validateManifest(text, 'test.yaml').problems.map(({ message }) => message);
}

const inGrpo = 'spec.stages[0].grpo.';
const told = (path: string, here: string) =>
  expect.stringContaining(`${path}: unknown field "${path.split('.').at(-1)}"; here it is ${here}`);

test.each([
  { field: 'max_steps: 100', without: ', steps: 3', here: 'steps: Optimizer steps' },
  { field: 'num_train_epochs: 1', without: ', steps: 3', here: 'steps: Optimizer steps' },
  { field: 'num_generations: 8', here: 'group: Completions per prompt' },
  { field: 'reward_funcs: [f]', without: ', rewards: [{accuracy: {}}]', here: 'rewards: Simply added, each times its' },
  { field: 'train_dataset: sums', without: 'prompts: [sums], ', here: 'prompts: Datasets with prompts' },
  { field: 'learning_rate: 1.0e-6', here: 'learningRate: Peak learning rate of AdamW' },
  { field: 'per_device_train_batch_size: 8', here: 'promptsPerStep: Prompts in one optimizer step' },
  { field: 'gradient_accumulation_steps: 4', here: 'promptsPerStep: Prompts in one optimizer step' },
  { field: 'numGenerations: 8', here: 'group: Completions per prompt' },
  { field: 'batchSize: 8', here: 'promptsPerStep: Prompts in one optimizer step' },
  { field: 'num_iterations: 2', here: 'epochsPerRollout: Times that a rollout is trained on' },
  { field: 'beta: 0.04', here: 'kl.coefficient: Weight of the estimate' },
  { field: 'epsilon: 0.2', here: 'clip.low: The ratio is clipped below 1 − low' },
  { field: 'max_completion_length: 256', here: 'sampling.maxNewTokens: Longest completion, in tokens' },
  { field: 'max_prompt_length: 256', here: 'maxPromptTokens: Longest prompt, in tokens' },
  { field: 'temperature: 0.9', here: 'sampling.temperature: Softmax temperature' },
  { field: 'lr_scheduler_type: cosine', here: 'schedule.kind: Shape of the learning rate' },
  { field: 'warmup_ratio: 0.1', here: 'schedule.warmupSteps: Steps of linear warm-up from zero' },
  { field: 'max_grad_norm: 0.1', here: 'optimizer.maxGradNorm: Gradients are scaled down' },
  { field: 'lora_r: 16', here: 'lora.rank: Rank of what is learned' },
  { field: 'bf16: true', here: 'spec.stages[0].precision: Of the products of linear layers and of the head' },
  { field: 'seed: 42', here: 'spec.seed: Seed of the run' },
])('$field of another tool in a grpo stage: its name here, and nothing else', ({ field, without = '', here }) => {
  const key = field.split(':')[0] ?? '';
  expect(problemsOf({ stage: `grpo: {${grpo.replace(without, '')}, ${field}}`.replace('{,', '{') })).toEqual([
    told(`${inGrpo}${key}`, here),
  ]);
});

test.each([
  {
    name: 'a stage that counts passes',
    stage: 'sft: {data: [sums], max_steps: 9}',
    path: 'sft.max_steps',
    here: 'epochs: ',
  },
  {
    name: 'a stage that counts rows',
    stage: 'sft: {data: [sums], per_device_train_batch_size: 9}',
    path: 'sft.per_device_train_batch_size',
    here: 'batch: ',
  },
  { name: 'another type of stage', stage: `grpo: {${grpo}, batch: 9}`, path: 'grpo.batch', here: 'promptsPerStep: ' },
  { name: 'outside of its settings', stage: `beta: 0.1, grpo: {${grpo}}`, path: 'beta', here: 'grpo.kl.coefficient: ' },
  {
    name: 'inside of an object',
    stage: `grpo: {${grpo}, sampling: {max_completion_length: 9}}`,
    path: 'grpo.sampling.max_completion_length',
    here: 'maxNewTokens: ',
  },
  { name: "peft's own", stage: `grpo: {${grpo}, lora: {r: 8}}`, path: 'grpo.lora.r', here: 'rank: ' },
])('$name', ({ stage, path, here }) => {
  expect(problemsOf({ stage })).toEqual([told(`spec.stages[0].${path}`, here)]);
});

test('the sizes of a config.json', () => {
  expect(problemsOf({ init: '{num_hidden_layers: 2, num_key_value_heads: 2}' })).toEqual([
    told('spec.base.init.num_hidden_layers', 'layers: Number of decoder layers'),
    told('spec.base.init.num_key_value_heads', 'kvHeads: Key/value heads'),
  ]);
});

test.each(['constructor', 'toString', 'use_vllm', 'output_dir'])('%s has no name here: the known ones', (key) => {
  expect(problemsOf({ stage: `grpo: {${grpo}, ${key}: 1}` })).toEqual([
    expect.stringContaining(`${inGrpo}${key}: unknown field "${key}"; known: learningRate, schedule, `),
  ]);
});

test('a name that leads to where it is not known either', () => {
  expect(problemsOf({ spec: 'storage: {lora_r: 8}' })).toEqual([
    expect.stringContaining('spec.storage.lora_r: unknown field "lora_r"; known: size, '),
  ]);
});

test('every name here is a field of the manifest', () => {
  const fields = pathsOf(schemaOf('R1Pipeline'));
  const unknown = Object.values(otherNames)
    .flat()
    .filter((name) => !fields.some((path) => path.endsWith(`.${name}`)));
  expect(unknown).toEqual([]);
});

function pathsOf(schema: StructuralSchema, path = ''): string[] {
  const inside = Object.entries(schema.properties ?? {}).flatMap(([key, each]) => pathsOf(each, `${path}.${key}`));
  return [path, ...inside, ...(schema.items === undefined ? [] : pathsOf(schema.items, path))];
}
