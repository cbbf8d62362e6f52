import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { answerKinds } from '../../../trainer/contract/settings/dataset.ts';
import { spell, rational } from '../../../trainer/rewards/numbers/rational.ts';
import { readNumber } from '../../../trainer/rewards/numbers/read-number.ts';
import { judge, verify } from '../../../trainer/rewards/verify.ts';
import { judgedRow } from '../../support/answer-rows.ts';

/** The same cases each time; other seeds have been tried. */
const options = { seed: 11 };

const places = ['answerTag', 'completion'] as const;
const pieces = Array.from('1.,-−+*/^_(){}[]=x$€%½²１万|":! \n\ud800').concat(
  ['42', '**', ' eggs', '####', ' and ', '1e9', '9{,}500', '.5', '<answer>', '</answer>', '<think>', '</think>'],
  ['\\frac', '\\sqrt', '\\boxed{', '\\text{', '\\(', '\\)', '\\times', '\\pi', '\\overline{3}'],
);
const mathsText = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''));
const anyText = fc.oneof(mathsText, fc.string({ unit: 'grapheme', maxLength: 200 }));
const kinds = fc.constantFrom(...answerKinds);
const languages = fc.constantFrom(undefined, 'en', 'de', 'zh', 'fr-CA', 'xx', '');

test('every text gets a verdict, the same each time, and with every gold answer', () => {
  fc.assert(
    fc.property(
      kinds,
      fc.constantFrom(...places),
      languages,
      anyText,
      anyText,
      (kind, place, language, answer, completion) => {
        const row = judgedRow({ kind, in: place, answer, ...(language !== undefined && { language }) });
        const { verdict } = judge(row, completion);
        expect(['correct', 'partial', 'wrong', 'abstain']).toContain(verdict.outcome);
        expect(verify(row, completion)).toEqual(verdict);
      },
    ),
    { ...options, numRuns: 3000 },
  );
});

test('a text is right for one number at most, and votes for it', () => {
  fc.assert(
    fc.property(fc.constantFrom(...places), languages, anyText, (place, language, completion) => {
      const about = { in: place, ...(language !== undefined && { language }) };
      const value = judge(judgedRow({ ...about, answer: '1' }), completion).value;
      if (value === undefined) return;
      const [top = '0', bottom = '1'] = value.split('/');
      expect(verify(judgedRow({ ...about, answer: value }), completion).score).toBe(1);
      const next = value.includes('.') ? `${value}1` : `${BigInt(top) + BigInt(bottom)}/${bottom}`;
      expect(verify(judgedRow({ ...about, answer: next }), completion).score).toBe(0);
    }),
    { ...options, numRuns: 3000 },
  );
});

test('a piece of a longer number is never right', () => {
  const sentences = [
    (text: string) => `The answer is ${text}.`,
    (text: string) => `= ${text}`,
    (text: string) => `**${text}** eggs`,
  ];
  const separators = ['', ',', '{,}', '\\,', "'", '\u00a0', '\u202f', ' '];
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1000n, max: 10n ** 15n }),
      fc.constantFrom(...separators),
      fc.constantFrom(...sentences),
      (value, separator, sentence) => {
        const digits = `${value}`;
        const written = sentence(digits.replaceAll(/\B(?=(?:\d{3})+$)/g, separator));
        expect([written, verify(judgedRow({ in: 'completion', answer: digits }), written).score]).toEqual([written, 1]);
        for (let start = 0; start < digits.length; start++) {
          for (let end = start + 1; end <= digits.length; end++) {
            const piece = digits.slice(start, end);
            if (BigInt(piece) === value) continue;
            expect([piece, verify(judgedRow({ in: 'completion', answer: piece }), written).score]).toEqual([piece, 0]);
          }
        }
      },
    ),
    { ...options, numRuns: 200 },
  );
});

test('an operand of an expression is never right, whatever the operator', () => {
  const operators = [
    '+',
    ' + ',
    '*',
    ' * ',
    ' × ',
    '·',
    ' ÷ ',
    '/',
    '^',
    '**',
    '\\times ',
    ' \\cdot ',
    ':',
    ' x ',
    '_',
    '.',
    ' point ',
  ];
  const sentences = [
    (text: string) => text,
    (text: string) => `It is ${text}`,
    (text: string) => `x = $${text}$.`,
    (text: string) => `(${text})`,
  ];
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 999 }),
      fc.integer({ min: 2, max: 999 }),
      fc.constantFrom(...operators),
      fc.constantFrom(...sentences),
      (a, b, operator, sentence) => {
        fc.pre(a !== b * b); // 9/3 is 3
        const text = sentence(`${a}${operator}${b}`);
        const right = [a, b].filter(
          (operand) => verify(judgedRow({ in: 'completion', answer: `${operand}` }), text).score > 0,
        );
        expect([text, right]).toEqual([text, []]);
      },
    ),
    { ...options, numRuns: 2000 },
  );
});

test('fractions are read back exactly from every way of writing them', () => {
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.bigInt(1n, 10n ** 12n), (top, bottom) => {
      const value = rational(top, bottom);
      const sign = top < 0n ? '-' : '';
      const size = top < 0n ? -top : top;
      for (const text of [spell(value), `${top}/${bottom}`, `${sign}\\frac{${size}}{${bottom}}`]) {
        expect(readNumber(text, undefined)).toEqual(value);
      }
    }),
    { ...options, numRuns: 500 },
  );
});

test('twenty thousand characters of anything come to an end', () => {
  for (const piece of pieces) {
    const text = piece.repeat(Math.ceil(20_000 / piece.length));
    for (const kind of answerKinds) {
      for (const place of places)
        judge(judgedRow({ kind, in: place, answer: '18' }), place === 'completion' ? text : `<answer>${text}</answer>`);
    }
  }
});
