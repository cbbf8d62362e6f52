import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { needsThought } from '../../../../trainer/data/origins/needs-thought.ts';

const general = { id: 'chat/1', dataset: 'chat', domain: 'general' } as const;
const asked = (content: string, more: Partial<Row> = {}): Row => ({
  ...general,
  messages: [{ role: 'user', content }],
  completion: 'Hello!',
  ...more,
});
const long = 'Compare the two plans below and say which of them is cheaper over three years.';
const gold = { kind: 'number', in: 'completion', gold: '4' } as const;
const call = { type: 'function', function: { name: 'add', arguments: {} } } as const;

test.each([
  { what: 'a greeting', row: asked('Hi there!'), needs: false },
  { what: 'a question of many words', row: asked(long), needs: true },
  {
    what: 'a question of many characters that are words',
    row: asked('请比较下面两个方案并说明哪一个更便宜。'),
    needs: true,
  },
  { what: 'a short question whose answer is right or wrong', row: asked('2+2?', { answer: gold }), needs: true },
  {
    what: 'a greeting in a preferred style',
    row: asked('Hi!', { answer: { ...gold, kind: 'pattern' } }),
    needs: false,
  },
  { what: 'a short question of the reasoning domain', row: asked('Why?', { domain: 'reasoning' }), needs: true },
  { what: 'an answer that has a thought', row: asked(long, { completion: '<think>so</think>It is A.' }), needs: false },
  { what: 'a call of a tool', row: asked(long, { toolCalls: [call] }), needs: false },
  { what: 'a document', row: { ...asked(long), messages: [] }, needs: false },
  {
    what: 'a short question after a long one',
    row: asked(long, {
      messages: [...asked(long).messages, { role: 'assistant', content: 'A' }, ...asked('Thanks!').messages],
    }),
    needs: false,
  },
])('$what needs a chain of thought: $needs', ({ row, needs }) => {
  expect(needsThought(row, 12)).toBe(needs);
});
