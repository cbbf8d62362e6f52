import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validateManifest } from '../../../operator/api/manifest.ts';
import { fourStages } from '../../support/pipelines.ts';

function messages(text: string): string[] {
  return validateManifest(text, 'test.yaml').problems.map(({ message }) => message);
}

function manifest(spec: string): string {
  const indented = spec.replaceAll(/^/gm, '  ');
  return `apiVersion: r1.dev/v1alpha1\nkind: R1Pipeline\nmetadata: {name: test}\nspec:\n${indented}`;
}

/** A healthy pipeline with one thing changed. */
function broken(from: string, to: string): string {
  if (!fourStages.includes(from)) throw new Error(`not in the manifest: ${from}`);
  return manifest(fourStages.replace(from, to));
}

const examples = join(import.meta.dirname, '../../../examples');

test.each(readdirSync(examples).filter((name) => name.endsWith('.yaml')))('examples/%s is valid', (name) => {
  const { pipelines, problems } = validateManifest(readFileSync(join(examples, name), 'utf8'), name);
  expect(problems).toEqual([]);
  expect(pipelines).toHaveLength(1);
});

test('fills in the defaults of the paper', () => {
  const [pipeline] = validateManifest(manifest(fourStages), 'test.yaml').pipelines;
  expect(pipeline?.spec).toMatchObject({ suspend: false, storage: { keepLast: 2 }, defaults: {} });
  expect(pipeline?.spec.stages[1]?.grpo).toMatchObject({
    group: 16,
    clip: { low: 0.2, high: 10 },
    kl: { referenceEvery: 400 },
  });
});

describe('says what is wrong with its path, what was found and what was expected:', () => {
  test.each([
    {
      name: 'unknown field with the one that was probably meant',
      text: broken('seed: 3', 'sed: 3'),
      expected: ['spec.sed: unknown field "sed"; did you mean "seed"?'],
    },
    {
      name: 'unknown field far from any known one',
      text: broken('base: {init: {}}', 'base: {init: {}, colour: red}'),
      expected: ['spec.base.colour: unknown field "colour"; known: init, path, hf, pvc'],
    },
    {
      name: 'wrong type',
      text: broken('steps: 3}}', 'steps: many}}'),
      expected: ['spec.stages[0].pretrain.steps: found "many", expected an integer from 1 to 1000000000'],
    },
    {
      name: 'missing field',
      text: broken('pretrain: {data: [sums], steps: 3}', 'pretrain: {steps: 3}'),
      expected: ['spec.stages[0].pretrain.data: found nothing, expected a list'],
    },
    {
      name: 'unknown choice',
      text: broken('task: addition', 'task: multiplication'),
      expected: [
        'spec.datasets[0].generator.task: found "multiplication", expected one of mixture, addition, facts, greetings, preferences',
      ],
    },
    {
      name: 'stage that does not exist',
      text: broken('{from: pretrained}', '{from: pretrain}'),
      expected: ['spec.stages[1].model.from: found "pretrain", expected an earlier pretrain, grpo or sft stage'],
    },
    {
      name: 'cycle',
      text: broken('name: pretrained,', 'name: pretrained, model: {from: zero},'),
      expected: ['spec.stages[0].model.from: found "zero", expected an earlier pretrain, grpo or sft stage'],
    },
    {
      name: 'stage that starts from itself',
      text: broken('{from: pretrained}', '{from: zero}'),
      expected: ['spec.stages[1].model.from: found "zero", expected an earlier pretrain, grpo or sft stage'],
    },
    {
      name: 'data of a stage that gives a model',
      text: broken('data: [samples]', 'data: [sums, zero]'),
      expected: ['spec.stages[3].sft.data[1]: found "zero", expected a dataset or an earlier sample or review stage'],
    },
    {
      name: 'every unknown dataset of a list',
      text: broken('prompts: [sums], steps', 'prompts: [a, sums, b], steps'),
      expected: [
        'spec.stages[1].grpo.prompts[0]: found "a", expected a dataset',
        'spec.stages[1].grpo.prompts[2]: found "b", expected a dataset',
      ],
    },
    {
      name: 'reward model that is none',
      text: broken('{accuracy: {}}', '{accuracy: {}}, {rewardModel: {from: pretrained}}'),
      expected: [
        'spec.stages[1].grpo.rewards[1].rewardModel.from: found "pretrained", expected an earlier rewardModel stage',
      ],
    },
    {
      name: 'gate that looks at a stage further down',
      text: broken('steps: 3}}', 'steps: 3}, gate: {metric: m, notBelow: {stage: zero}}}'),
      expected: ['spec.stages[0].gate.notBelow.stage: found "zero", expected an earlier stage'],
    },
    {
      name: 'default evaluation on unknown data',
      text: manifest(`${fourStages}defaults: {evaluation: {data: [sum]}}`),
      expected: ['spec.defaults.evaluation.data[0]: found "sum", expected a dataset'],
    },
    {
      name: 'no base where one is needed',
      text: broken('base: {init: {}}\n', ''),
      expected: ['spec.stages[0].model: found nothing in a pipeline without base, expected a model or spec.base'],
    },
    {
      name: 'two stages of one name',
      text: broken('name: student', 'name: zero'),
      expected: ['spec.stages[3].name: found a second "zero", expected each name once'],
    },
    {
      name: 'stage with the name of a dataset',
      text: broken('name: student', 'name: sums'),
      expected: ['spec.stages[3].name: found "sums", expected a name that no dataset has'],
    },
    {
      name: 'two stage types',
      text: broken('sft: {data: [samples]}', 'sft: {data: [samples]}, evaluate: {data: [sums]}'),
      expected: [
        expect.stringMatching(
          /^spec.stages\[3\]: exactly one type of pretrain, .*must be set \(found \{"name":"student"/,
        ),
      ],
    },
    {
      name: 'settings that contradict each other',
      text: broken('init: {}', 'init: {heads: 3}'),
      expected: [
        'spec.base.init: hiddenSize must be an even multiple of heads (found {"heads":3})',
        'spec.base.init: heads must be a multiple of kvHeads (found {"heads":3})',
      ],
    },
    {
      name: 'name that Kubernetes refuses',
      text: manifest(fourStages).replace('{name: test}', '{name: My_Pipeline}'),
      expected: [expect.stringMatching(/^metadata.name: found "My_Pipeline", expected text/)],
    },
    {
      name: 'name that is too long to name stages after it',
      text: manifest(fourStages).replace('{name: test}', `{name: ${'a'.repeat(41)}}`),
      expected: [expect.stringMatching(/^metadata.name must be at most 40/)],
    },
    {
      name: 'quantity',
      text: manifest(`${fourStages}storage: {size: 10 GB}`),
      expected: ['spec.storage.size: found "10 GB", expected a quantity such as 10Gi or 500m'],
    },
    {
      name: 'broken YAML',
      text: 'apiVersion: r1.dev/v1alpha1\nspec: [1, 2',
      expected: [expect.stringMatching(/^Flow sequence/)],
    },
    {
      name: 'other kinds of objects',
      text: 'apiVersion: v1\nkind: R1Pipelin\n',
      expected: ['apiVersion: found "v1", expected r1.dev/v1alpha1', 'kind: found "R1Pipelin", expected R1Pipeline'],
    },
    { name: 'empty file', text: '# nothing\n', expected: ['found no document, expected an R1Pipeline'] },
    { name: 'list', text: '- 1\n', expected: ['found a list, expected an object with apiVersion and kind'] },
    {
      name: 'aliases that multiply without end',
      text: `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [${'*b,'.repeat(20)}]\n`,
      expected: [expect.stringMatching(/alias/)],
    },
    {
      name: 'alias inside of what it stands for',
      text: manifest(fourStages).replace('{name: test}', '&m {name: test, labels: *m}'),
      expected: ['found an alias inside of what it stands for'],
    },
  ])('$name', ({ text, expected }) => {
    expect(messages(text)).toEqual(expected);
  });
});

test('reports everything at once, in the order of the file, and only what stands there', () => {
  const text = manifest(`
sed: 1
base: {init: {layers: none}}
datasets: [{name: sums, generator: {task: addition}}]
stages:
  - {name: zero, grpoo: {prompts: [sums], steps: 1, rewards: [{acuracy: {}}]}}
  - {name: student, model: {from: zero}, sft: {data: [sms]}}
`);
  const { problems } = validateManifest(text, 'test.yaml');
  expect(problems.map(({ path, line }) => [line, path])).toEqual([
    [6, 'spec.sed'],
    [7, 'spec.base.init.layers'],
    [10, 'spec.stages[0].grpoo'],
    [11, 'spec.stages[1].sft.data[0]'],
  ]);
});

test('reads several documents and says which one is bad', () => {
  const good = manifest(fourStages);
  const { pipelines, problems } = validateManifest(`${good}\n---\n${good.replace('seed: 3', 'seed: x')}`, 'two.yaml');
  expect(pipelines).toHaveLength(1);
  expect(problems).toMatchObject([{ file: 'two.yaml', document: 1, path: 'spec.seed', found: '"x"' }]);
});

test('a null is as good as absent, as on an API server', () => {
  expect(messages(broken('seed: 3', 'seed: null'))).toEqual([]);
  expect(messages(broken('{accuracy: {}}', '{accuracy: }'))).toEqual([
    expect.stringContaining('exactly one reward of accuracy'),
  ]);
});
