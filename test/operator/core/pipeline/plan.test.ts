import { expect, test } from '@jest/globals';
import { inputStages, stageFile, stagesAfter } from '../../../../operator/core/pipeline/plan.ts';
import { attemptDigest, settingsDigest } from '../../../../operator/core/settings-digest.ts';
import { stageFile as stageFileSchema } from '../../../../trainer/contract/settings/stage-file.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';
import { created, succeeded } from '../../../support/stages.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets:
  - {name: sums, file: data/sums.jsonl, heldOut: {file: data/held-out.jsonl}}
  - {name: pairs, generator: {task: preferences}}
  - {name: unused, generator: {task: facts}}
defaults:
  evaluation: {data: [sums]}
  chat: {prefill: "<think>", arguments: {mode: {b: 1, a: 2}, enable_thinking: false}}
  workers: 2
  resources: {limits: {nvidia.com/gpu: 1}}
stages:
  - {name: sft, sft: {data: [sums]}, resources: {limits: {nvidia.com/gpu: 8}}}
  - {name: judge, model: {from: sft}, rewardModel: {pairs: [pairs]}}
  - name: r1
    model: {from: sft}
    chat: {stop: ["</answer>"]}
    grpo: {prompts: [sums], steps: 9, rewards: [{accuracy: {}}, {rewardModel: {from: judge}}, {judge: {from: sft}}]}
  - {name: samples, model: {from: r1}, sample: {prompts: [sums], rewardModel: judge}}
  - {name: review, review: {data: samples}}
  - name: taught
    model: {from: sft}
    grpo: {prompts: [sums], steps: 9, rewards: [{format: {weight: 0}}], distillation: {from: r1}}
  - {name: better, model: {from: sft}, sample: {prompts: [sums], pairs: {judge: {from: r1}}}}
  - {name: scores, model: {from: sft}, rewardModel: {pairs: [better]}}
  - {name: liked, model: {from: sft}, sample: {prompts: [sums], judge: {from: taught}}}
`);

test('knows which stages a stage uses, and which use it', () => {
  const uses = pipeline.spec.stages.map((stage) => inputStages(stage, pipeline));
  expect(uses).toEqual([
    [],
    ['sft'],
    ['sft', 'judge'],
    ['judge', 'r1'],
    ['samples'],
    ['sft', 'r1'],
    ['sft', 'r1'],
    ['sft', 'better'],
    ['sft', 'taught'],
  ]);
  expect(stagesAfter(pipeline, ['judge'])).toEqual([
    'judge',
    'r1',
    'samples',
    'review',
    'taught',
    'better',
    'scores',
    'liked',
  ]);
  expect(stagesAfter(pipeline, ['review'])).toEqual(['review']);
  expect(stagesAfter(pipeline, ['review', 'r1'])).toEqual([
    'r1',
    'samples',
    'review',
    'taught',
    'better',
    'scores',
    'liked',
  ]);
  expect(stagesAfter(pipeline, [])).toEqual([]);
});

function digestWithJudge(place: (judge: string) => string, endpoint: string): string {
  const judged = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages:
  - {name: better, sample: {prompts: [sums], ${place(`judge: {endpoint: {${endpoint}}}`)}}}
`);
  return settingsDigest(created(judged, [], 'better').spec);
}

test.each([
  { name: 'rows', place: (judge: string) => judge },
  { name: 'pairs', place: (judge: string) => `pairs: {${judge}}` },
])('how a judge of $name is reached, and what it may spend, change no result; who it is does', ({ place }) => {
  const first = digestWithJudge(place, 'url: "http://judge/v1", model: a');
  expect(digestWithJudge(place, 'url: "http://judge/v1", model: a, concurrency: 2, budgetTokens: 9, token: {}')).toBe(
    first,
  );
  expect(digestWithJudge(place, 'url: "http://judge/v1", model: b')).not.toBe(first);
});

test('a stage that is resolved to the same again is the same object, and another one where anything differs', () => {
  const again = (of: typeof pipeline) => created(of, [], 'sft').spec;
  expect(again(pipeline)).toBe(again({ ...pipeline, status: undefined }));
  expect(again(pipeline)).not.toBe(again({ ...pipeline, spec: { ...pipeline.spec, seed: 9 } }));
  expect(again(pipeline).seed).toBe(0);
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
      { name: 'sums', file: '/manifests/data/sums.jsonl', heldOut: { file: '/manifests/data/held-out.jsonl' } },
    ],
    chat: {
      prefill: '<think>',
      arguments: { enable_thinking: false, mode: { a: 2, b: 1 } },
      stop: ['</answer>'],
    },
    inputs: { judge: { stage: 'judge', path: '/volume/judge/step-000003' } },
    evaluation: { data: ['sums'] },
    out: '/volume/r1',
    keepLast: 2,
    workers: 2,
  });
});

test('the trainer reads the same bytes whatever the order of the fields: an API server sorts them', () => {
  const r1 = created(pipeline, succeeded(pipeline, ['sft', 'judge']), 'r1');
  const places = { resolve: String, input: ({ path }: { path: string }) => path, fetched: () => '/', out: '/out' };
  const read = (stage: typeof r1) => JSON.stringify(stageFileSchema.parse(stageFile(stage, 1, places)));
  expect(read(sorted(r1) as typeof r1)).toBe(read(r1));
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, each]) => [key, sorted(each)]));
}

test('a stage takes its own placement, else that of the defaults', () => {
  const stages = succeeded(pipeline, ['sft']);
  expect(stages[0]?.spec.resources).toEqual({ limits: { 'nvidia.com/gpu': 8 } });
  expect(created(pipeline, stages, 'judge').spec).toMatchObject({ resources: { limits: { 'nvidia.com/gpu': 1 } } });
  expect(created(pipeline, stages, 'judge').spec.evaluation).toBeUndefined();
});

test('chat settings of a stage go before those of the defaults, field by field, and decide its result', () => {
  const r1 = created(pipeline, succeeded(pipeline, ['sft', 'judge']), 'r1');
  expect(r1.spec.chat).toMatchObject({ prefill: '<think>', stop: ['</answer>'] });
  const other = { ...r1.spec, chat: { ...r1.spec.chat, prefill: 'P' } };
  expect(settingsDigest(other)).not.toBe(settingsDigest(r1.spec));
});

test.each([
  { of: 'templateFile: base.jinja', own: '{template: "{{ 1 }}"}', chat: { template: '{{ 1 }}' } },
  { of: 'template: "{{ 1 }}"', own: '{templateFile: own.jinja}', chat: { templateFile: '/m/own.jinja' } },
  { of: 'templateFile: base.jinja', own: '{}', chat: { templateFile: '/m/base.jinja' } },
])('a template of a stage, $own, goes before the $of of the defaults', ({ of, own, chat }) => {
  const text = fourStages.replace('{name: pretrained,', `{name: pretrained, chat: ${own},`);
  const stage = created(pipelineOf(`${text}defaults: {chat: {prefill: "<think>", ${of}}}`), [], 'pretrained');
  const places = { resolve: (path: string) => `/m/${path}`, input: () => '', fetched: () => '', out: '/out' };
  expect(stageFile(stage, 1, places).chat).toEqual({ prefill: '<think>', ...chat });
});

test.each([
  { of: '', own: '', precision: undefined },
  { of: 'bf16', own: '', precision: 'bf16' },
  { of: 'bf16', own: 'f32', precision: undefined },
  { of: '', own: 'bf16', precision: 'bf16' },
])(
  'the precision "$own" of a stage goes before "$of" of the defaults, and f32 is the one that goes without saying',
  (given) => {
    const text = fourStages.replace(
      '{name: pretrained,',
      `{name: pretrained, ${given.own && `${asPrecision(given.own)},`}`,
    );
    const stage = created(pipelineOf(`${text}defaults: {${asPrecision(given.of)}}`), [], 'pretrained');
    const places = { resolve: String, input: () => '', fetched: () => '', out: '/out' };
    expect(stageFile(stage, 1, places).precision).toBe(given.precision);
    const other = given.precision === undefined ? 'bf16' : undefined;
    expect(settingsDigest({ ...stage.spec, precision: other })).not.toBe(settingsDigest(stage.spec));
  },
);

function asPrecision(value: string): string {
  return value === '' ? '' : `precision: ${value}`;
}

test('a stage carries what its pods need', () => {
  const { spec } = created(
    pipelineOf(`${fourStages}
volumes: [{path: data, configMap: chat}]
imagePullSecrets: [registry]
defaults: {runtimeClassName: nvidia, priorityClassName: low, terminationGracePeriodSeconds: 60}
`),
    [],
    'pretrained',
  );
  expect(spec).toMatchObject({
    volumes: [{ path: 'data', configMap: 'chat', subPath: '' }],
    imagePullSecrets: ['registry'],
    runtimeClassName: 'nvidia',
    priorityClassName: 'low',
    terminationGracePeriodSeconds: 60,
    storage: { retention: 'RetainFailed' },
  });
  expect(spec).not.toHaveProperty('affinity');
});

test('only what decides a result is in its digest', () => {
  const { spec } = created(pipelineOf(fourStages), [], 'pretrained');
  const digest = settingsDigest(spec);
  expect(settingsDigest({ ...spec, suspend: true, workers: 9, deadlineSeconds: 5, retry: { hung: 3 } })).toBe(digest);
  expect(settingsDigest({ ...spec, seed: 8 })).not.toBe(digest);
});

test('neither means of access nor places are in a digest', () => {
  const { spec } = created(pipelineOf(fourStages), [], 'pretrained');
  const hf = { repo: 'owner/name', revision: 'main' };
  const open = { ...spec, model: { hf } };
  const gated = { ...spec, model: { hf: { ...hf, tokenSecret: 'hub' } } };
  expect(settingsDigest(gated)).toBe(settingsDigest(open));
  expect(settingsDigest({ ...open, model: { hf: { ...hf, revision: 'v2' } } })).not.toBe(settingsDigest(open));

  const input = { stage: 'a', path: 'step-000003', digest: 'a'.repeat(64) };
  const moved = { ...input, path: '0a1b2c3d/attempt-2/step-000003' };
  const other = { ...input, digest: 'b'.repeat(64) };
  const using = (each: typeof input) => settingsDigest({ ...spec, model: { input: each }, inputs: [each] });
  expect(using(moved)).toBe(using(input));
  expect(using(other)).not.toBe(using(input));
});

test('a waiting attempt depends on its place, a result does not', () => {
  const { spec } = created(pipelineOf(fourStages), [], 'pretrained');
  const elsewhere = { ...spec, nodeSelector: { pool: 'a100' } };
  expect(settingsDigest(elsewhere)).toBe(settingsDigest(spec));
  expect(attemptDigest(elsewhere)).not.toBe(attemptDigest(spec));
  expect(attemptDigest({ ...spec, suspend: true, budget: { hours: 1 } })).toBe(attemptDigest(spec));
});
