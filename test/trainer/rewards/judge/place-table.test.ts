import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { PlaceTable } from '../../../../trainer/rewards/judge/place-table.ts';

const largest = 2 ** 52 - 1;

test('it finds all places of a prefix, in the order in which they came, however many it holds', () => {
  // Few of them, so that they come again; some of them neighbours, so that they want the same slots.
  const prefix = fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1024, 2048, largest - 1, largest));
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 2000, size: 'max' }), (prefixes) => {
      const table = new PlaceTable();
      for (const [at, each] of prefixes.entries()) table.add(each, { offset: at, length: at + 1 });
      for (const each of [...new Set(prefixes), 41]) {
        const expected = [...prefixes.keys()].filter((at) => prefixes[at] === each);
        expect([...table.find(each)]).toEqual(expected.map((offset) => ({ offset, length: offset + 1 })));
      }
    }),
    { numRuns: 10 },
  );
});

test('it holds offsets beyond four gigabytes', () => {
  const table = new PlaceTable();
  table.add(largest, { offset: 2 ** 40, length: 2 ** 20 });
  expect([...table.find(largest)]).toEqual([{ offset: 2 ** 40, length: 2 ** 20 }]);
});
