import { expect, test } from '@jest/globals';
import { describeChange } from '../../../operator/core/describe-change.ts';
import type { StageSpec } from '../../../operator/api/resources/stage.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { created } from '../../support/stages.ts';

const manifest = `
base: {init: {}}
datasets:
  - {name: facts, generator: {task: facts}}
  - {name: sums, generator: {task: addition}}
  - {name: words, generator: {task: greetings}}
stages:
  - {name: chat, sft: {data: [sums, words], epochs: 2}}
`;
const specOf = (text: string): StageSpec => created(pipelineOf(text), [], 'chat').spec;
const from = specOf(manifest);

test.each([
  {
    name: 'an evaluation that was added, before the datasets that it names',
    to: manifest.replace('epochs: 2}', 'epochs: 2}, evaluation: {data: [facts]}'),
    expected: /^evaluation: unset → \{"data":\["facts"\].*, datasets\.facts: unset → \{"name":"facts"[^,]*(,[^,]*)*$/,
  },
  {
    name: 'a dataset by its name, wherever it stands',
    to: manifest.replace('task: greetings', 'task: greetings, rows: 7'),
    expected: /^datasets\.words\.generator\.rows: 2000 → 7$/,
  },
  {
    name: 'an order of names',
    to: manifest.replace(/( {2}- \{name: sums.*\n)( {2}- \{name: words.*\n)/, '$2$1'),
    expected: /^datasets: sums, words → words, sums$/,
  },
  {
    name: 'an entry of a list without names by its place',
    to: manifest.replace('[sums, words]', '[sums, facts]'),
    expected: /^sft\.data\[1\]: "words" → "facts", datasets\.words: .* → unset, datasets\.facts: unset → /,
  },
])('names $name', ({ to, expected }) => {
  expect(describeChange(from, specOf(to))).toMatch(expected);
});

const pinned = (digit: string): StageSpec => ({
  ...from,
  model: { input: { stage: 'base', digest: digit.repeat(64), path: 'base/step-000003' } },
});

test('shortens digests to what tables show of them', () => {
  expect(describeChange(pinned('a'), pinned('b'))).toBe('model.input.digest: aaaaaaaaaaaa… → bbbbbbbbbbbb…');
});
