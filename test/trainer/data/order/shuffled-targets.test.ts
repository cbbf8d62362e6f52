import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { shuffledTargets } from '../../../../trainer/data/order/shuffled-targets.ts';

const rowsOf = (count: number) =>
  Array.from({ length: count }, (_, at): Row => ({
    id: `${at}`,
    dataset: 'sums',
    domain: 'reasoning',
    messages: [{ role: 'user', content: `${at}` }],
    completion: `answer ${at}`,
  }));

test('each row keeps its prompt and has the completion of another one, each once but for chance', () => {
  const rows = rowsOf(50);
  const shuffled = [...shuffledTargets(rows, 7, 'sft')];
  expect(shuffled.map(({ messages }) => messages)).toEqual(rows.map(({ messages }) => messages));
  expect(new Set(shuffled.map(({ completion }) => completion)).size).toBe(50);
  expect(shuffled.filter(({ completion }, at) => completion === rows[at]?.completion).length).toBeLessThan(5);
});

test('rows that repeat do not all get the same completion', () => {
  const rows = Array.from({ length: 60 }, (_, at) => rowsOf(3)[at % 3] as Row);
  const firsts = [...shuffledTargets(rows, 7, 'sft')].filter(({ id }) => id === '0');
  expect(new Set(firsts.map(({ completion }) => completion)).size).toBe(3);
});

test('calls of tools go with their completion', () => {
  const call = { type: 'function' as const, function: { name: 'add', arguments: {} } };
  const rows = rowsOf(10).map((row, at) => (at === 0 ? { ...row, toolCalls: [call] } : row));
  const shuffled = [...shuffledTargets(rows, 7, 'sft')];
  expect(shuffled.filter(({ toolCalls }) => toolCalls).map(({ completion }) => completion)).toEqual(['answer 0']);
});
