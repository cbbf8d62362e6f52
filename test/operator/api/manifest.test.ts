import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validateManifest } from '../../../operator/api/manifest.ts';
import { badManifests, broken } from '../../support/bad-manifests.ts';
import { manifest } from '../../support/manifest.ts';
import { fourStages } from '../../support/pipelines.ts';

function messages(text: string): string[] {
  return validateManifest(text, 'test.yaml').problems.map(({ message }) => message);
}

/** Asymmetric for a pattern. */
function matching(line: string | RegExp): unknown {
  return typeof line === 'string' ? line : expect.stringMatching(line);
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
    ...badManifests.map((bad) => ({ ...bad, expected: bad.expected.map(matching) })),
    {
      name: 'broken YAML',
      text: 'apiVersion: r1.dev/v1alpha1\nspec: [1, 2',
      expected: [expect.stringMatching(/^found a \[ that is not closed, expected .* \(Flow sequence/)],
    },
    {
      name: 'other kinds of objects',
      text: 'apiVersion: v1\nkind: R1Pipelin\n',
      expected: ['apiVersion: found "v1", expected r1.dev/v1alpha1', 'kind: found "R1Pipelin", expected R1Pipeline'],
    },
    { name: 'empty file', text: '# nothing\n', expected: ['found no document, expected an R1Pipeline'] },
    { name: 'empty document', text: '---\n', expected: ['found no document, expected an R1Pipeline'] },
    {
      name: 'one name twice',
      text: `${manifest(fourStages)}\n---\n${manifest(fourStages)}`,
      expected: ['metadata.name: found a second R1Pipeline test, expected each name once'],
    },
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

test('skips empty documents, as kubectl does', () => {
  const text = `---\n# made by a template\n---\n${manifest(fourStages)}\n---\n---\n`;
  const { pipelines, problems } = validateManifest(text, 'test.yaml');
  expect([pipelines.length, problems]).toEqual([1, []]);
});

const twoStages = (second: string) =>
  manifest(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages:
  - {name: zero, grpo: &rl {prompts: [sums], steps: 1, rewards: [{accuracy: {}}]}}
  - {name: more, model: {from: zero}, grpo: ${second}}
`);

test('takes merge keys, as kubectl does', () => {
  const { pipelines, problems } = validateManifest(twoStages('{<<: *rl, steps: 7}'), 'test.yaml');
  expect(problems).toEqual([]);
  expect(pipelines[0]?.spec.stages[1]?.grpo).toMatchObject({ prompts: ['sums'], steps: 7 });
  expect(validateManifest(twoStages('{<<: *rl, steps: many}'), 'test.yaml').problems).toMatchObject([
    { path: 'spec.stages[1].grpo.steps', line: 10, found: '"many"' },
  ]);
});

test('a null is as good as absent, as on an API server', () => {
  expect(messages(broken('seed: 3', 'seed: null'))).toEqual([]);
  expect(messages(broken('{accuracy: {}}', '{accuracy: }'))).toEqual([
    expect.stringContaining('exactly one reward of accuracy'),
  ]);
});
