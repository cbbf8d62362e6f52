import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { canonicalForm } from '../../../../trainer/rewards/responses/canonical-form.ts';
import { formatReward } from '../../../../trainer/rewards/responses/format.ts';
import { isReadable } from '../../../../trainer/rewards/responses/readable.ts';
import { verify } from '../../../../trainer/rewards/verify.ts';
import { examineOne } from '../../../support/examine.ts';

const code = '```python\ndef f(x):\n    if x:   \n\n\n\n        return  x\n```';
const closed = '<think>\n\n</think>\n\n';

test.each([
  {
    text: ' <think>  ones 7+8=15 \r\n\r\n\r\n\ttens 4+3+1=8\n</think>\n<answer> 85 </answer>\n',
    canonical: '<think>  ones 7+8=15\n\n\ttens 4+3+1=8</think><answer>85</answer>',
  },
  { text: '<answer> Hi Ana! </answer>', canonical: '<answer>Hi Ana!</answer>' },
  { text: '<think>never  ends', canonical: '<think>never  ends' },
  { text: '<think>\na \n</think>\nb', canonical: '<think>a</think>\n\nb' },
  { text: '<think>a</think><answer>x   y</answer>', canonical: '<think>a</think><answer>x   y</answer>' },
  {
    text: '<think>a</think><answer>\n    if x:\n        y\n</answer>',
    canonical: '<think>a</think><answer>    if x:\n        y</answer>',
  },
  { text: `<think>a</think>\n\n${code}\n`, canonical: `<think>a</think>\n\n${code}` },
  {
    text: `<think>\n${code}\n\n\n\nb </think><answer>1</answer>`,
    canonical: `<think>${code}\n\nb</think><answer>1</answer>`,
  },
  { text: `${closed}<answer> 4 </answer> `, opening: closed, canonical: `${closed}<answer>4</answer>` },
  { text: '', canonical: '' },
])('the canonical form of "$text" is stable', ({ text, opening = '', canonical }) => {
  expect(canonicalForm(text, opening)).toBe(canonical);
  expect(canonicalForm(canonical, opening)).toBe(canonical);
});

describe('whatever the response', () => {
  const pieces = fc.constantFrom(
    '<think>',
    '</think>',
    '<answer>',
    '</answer>',
    '```',
    '~~~~',
    '\n',
    '\r\n',
    ' ',
    '\t',
    '\n\n\n',
    '    ',
    'a  b',
    '85',
    '-3',
    ', ',
  );
  const text = fc.oneof(
    fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join('')),
    fc
      .tuple(fc.array(pieces, { maxLength: 8 }), fc.array(pieces, { maxLength: 8 }))
      .map(([thought, answer]) => `<think>a${thought.join('')}</think><answer>${answer.join('')}85</answer>`),
  );
  const opening = fc.constantFrom('', '<think>\n', closed);
  const answer = fc.constantFrom<NonNullable<Row['answer']>>(
    { kind: 'number', in: 'answerTag', gold: '85' },
    { kind: 'number', in: 'completion', gold: '85' },
    { kind: 'exact', in: 'answerTag', gold: 'a  b85' },
    { kind: 'list', in: 'completion', gold: '85, -3' },
    { kind: 'pattern', in: 'answerTag', gold: '^\\s*a  b' },
    { kind: 'pattern', in: 'completion', gold: '\\n    85' },
  );
  const row: Row = {
    id: 'a/1',
    dataset: 'a',
    domain: 'reasoning',
    messages: [{ role: 'user', content: 'Add 47+38.' }],
  };

  test('its canonical form is stable and as well-formed as it was', () => {
    fc.assert(
      fc.property(text, opening, answer, (completion, start, gold) => {
        const whole = start + completion;
        const canonical = canonicalForm(whole, start);
        expect(canonicalForm(canonical, start)).toBe(canonical);
        const asked = { ...row, answer: gold };
        expect(formatReward(asked, canonical, start)).toBe(formatReward(asked, whole, start));
      }),
      { numRuns: 2000 },
    );
  });

  test('what is kept has the verdict of what was examined', async () => {
    await fc.assert(
      fc.asyncProperty(text, opening, answer, async (completion, start, gold) => {
        const asked = { ...row, answer: gold };
        const response = { text: start + completion, opening: start, tokens: 9, terminated: true };
        const candidate = await examineOne(asked, response);
        const again = await examineOne(asked, { ...response, text: candidate.text });
        expect(again).toEqual(candidate);
        expect(candidate.accuracy).toBe(verify(asked, candidate.text).score);
        expect(candidate.passes.readable).toBe(isReadable(asked, candidate.text, start));
      }),
      { numRuns: 500 },
    );
  });
});
