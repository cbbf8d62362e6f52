import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { row as rowSchema, type Row } from '../../../../trainer/contract/settings/dataset.ts';
import type { RowManifest } from '../../../../trainer/contract/settings/row-origin.ts';
import { faultOfOrigin, filterNames, withOrigin } from '../../../../trainer/data/origins/row-origin.ts';
import { withCompletion } from '../../../../trainer/data/with-completion.ts';

const [data, model, another] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string];
const manifest: RowManifest = {
  version: 1,
  stage: 'samples',
  seed: 7,
  model,
  datasets: { sums: { sha256: data } },
  filters: [
    { name: 'correct', version: 1, settings: {} },
    { name: 'readable', version: 2, settings: {} },
  ],
  files: [],
};
const plain: Row = {
  id: 'sums/3/0',
  dataset: 'sums',
  domain: 'reasoning',
  messages: [{ role: 'user', content: '2+3' }],
  completion: '<think>two and three</think><answer>5</answer>',
  answer: { kind: 'number', in: 'answerTag', gold: '5' },
};
const from = { data, model, stage: 'samples', seed: 7, prompt: 'sums/3', method: 'plain', samples: [2] };
const origin = { ...from, filters: filterNames(manifest) };
const kept = withOrigin(plain, origin);

function readAgain(row: Row): Row {
  return rowSchema.parse(JSON.parse(JSON.stringify(row)));
}

test('a kept row verifies against its manifest, also once it was written and read', () => {
  expect(faultOfOrigin(kept, manifest)).toBeUndefined();
  expect(faultOfOrigin(readAgain(kept), manifest)).toBeUndefined();
  expect(kept.origin?.filters).toEqual(['correct/1', 'readable/2']);
});

test('so does a row with whatever columns and texts', () => {
  const anyRow = fc.record({
    content: fc.string({ unit: 'binary' }),
    columns: fc.dictionary(fc.string(), fc.jsonValue()),
  });
  fc.assert(
    fc.property(anyRow, ({ content, columns }) => {
      // What is sealed was read before, by which a column of the name __proto__ is left out.
      const sealed = withOrigin(readAgain({ ...plain, messages: [{ role: 'user', content }], columns }), origin);
      const read = readAgain(sealed);
      expect(faultOfOrigin(read, manifest)).toBeUndefined();
      expect(faultOfOrigin({ ...read, completion: `${read.completion}.` }, manifest)).toMatch(/^origin\.digest: /);
    }),
  );
});

test.each([
  { what: 'completion', changed: { ...kept, completion: 'other' } },
  { what: 'gold answer', changed: { ...kept, answer: { ...plain.answer!, gold: '6' } } },
  { what: 'sample', changed: { ...kept, origin: { ...kept.origin!, samples: [1] } } },
  { what: 'prompting method', changed: { ...kept, origin: { ...kept.origin!, method: 'fewShot' } } },
  { what: 'digest', changed: { ...kept, origin: { ...kept.origin!, digest: another } } },
])('another $what breaks the seal', ({ changed }) => {
  expect(faultOfOrigin(changed, manifest)).toMatch(
    /^origin\.digest: found [0-9a-f]{64} of the row, expected [0-9a-f]{64}$/,
  );
});

test.each([
  { given: withOrigin(plain, { ...origin, data: another }), says: `origin.data: found ${another}, expected ${data}` },
  {
    given: withOrigin(plain, { ...origin, model: another }),
    says: `origin.model: found ${another}, expected ${model}`,
  },
  { given: withOrigin(plain, { ...origin, seed: 8 }), says: 'origin.seed: found 8, expected 7' },
  { given: withOrigin(plain, { ...origin, stage: 'x' }), says: 'origin.stage: found x, expected samples' },
  {
    given: withOrigin(plain, { ...origin, filters: ['correct/1', 'readable/1'] }),
    says: 'origin.filters: found correct/1,readable/1, expected correct/1,readable/2',
  },
  {
    given: withOrigin({ ...plain, id: 'sums/30/0' }, origin),
    says: 'id: found sums/30/0, expected sums/3/ and the place among those kept of that prompt',
  },
  { given: withOrigin({ ...plain, dataset: 'x' }, origin), says: 'dataset: found x, expected one of sums' },
])('a sealed row that is from elsewhere is told apart: $says', ({ given, says }) => {
  expect(faultOfOrigin(given, manifest)).toBe(says);
});

test('a row that somebody has edited claims no origin any more', () => {
  expect(faultOfOrigin(withCompletion(kept, '<answer>5</answer>'), manifest)).toMatch(/^origin: found none/);
});
