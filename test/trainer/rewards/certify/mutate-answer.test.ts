import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { mutations } from '../../../../trainer/rewards/certify/mutate-answer.ts';
import { verify } from '../../../../trainer/rewards/verify.ts';

test.each([
  { answer: '85', gives: ['95', '-85', '850'] },
  { answer: '-5 km', gives: ['-6 km', '5 km', '-50 km'] },
  { answer: 'x = 0.50', gives: ['x = 0.60', 'x = -0.50'] },
  { answer: '0', gives: ['7'] },
  { answer: '\\frac{9}{2}', gives: ['\\frac{1}{2}', '\\frac{-9}{2}', '\\frac{90}{2}'] },
  { answer: 'B', gives: ['C'] },
  { answer: 'New York', gives: ['Oew York'] },
  { answer: 'zoo', gives: ['aoo'] },
  { answer: 'ähnlich', gives: ['zhnlich'] },
  { answer: '?', gives: [] },
])('$answer becomes $gives', ({ answer, gives }) => {
  expect(mutations(answer)).toEqual(gives);
});

test('what becomes of a number is another number', () => {
  const number = fc.oneof(
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((each) => each.toFixed(6)),
  );
  fc.assert(
    fc.property(number, (value) => {
      const gold = String(value);
      for (const other of mutations(gold)) {
        const row = { answer: { kind: 'number' as const, in: 'answerTag' as const, gold } };
        expect([other, verify(row, `<answer>${other}</answer>`).outcome]).toEqual([other, 'wrong']);
      }
    }),
  );
});
