import { expect, test } from '@jest/globals';
import type { Message, Row } from '../../../../trainer/contract/settings/dataset.ts';
import { assistantTurns, joinTurns } from '../../../../trainer/stages/policy/turns.ts';

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const row = (messages: Message[]): Row => ({ id: 'a', dataset: 'a', domain: 'general', messages, completion: 'end' });

test.each([
  { name: 'one turn', messages: [user('1')], turns: [[['1'], 'end']] },
  {
    name: 'two turns',
    messages: [user('1'), assistant('2'), user('3')],
    turns: [
      [['1'], '2'],
      [['1', '2', '3'], 'end'],
    ],
  },
  {
    name: 'a greeting that nothing comes before',
    messages: [assistant('0'), user('1')],
    turns: [[['0', '1'], 'end']],
  },
])('$name: each has what was said before as its prompt', ({ messages, turns }) => {
  const found = assistantTurns(row(messages)).map((one) => [
    one.messages.map(({ content }) => content),
    one.completion,
  ]);
  expect(found).toEqual(turns);
});

test('a turn that calls a tool keeps its call, and the last turn its own', () => {
  const call = { type: 'function' as const, function: { name: 'f', arguments: {} } };
  const messages: Message[] = [
    user('1'),
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', content: '2' },
  ];
  expect(assistantTurns(row(messages)).map(({ toolCalls }) => toolCalls)).toEqual([[call], undefined]);
  expect(
    assistantTurns({ ...row(messages), toolCalls: [call, call] }).map(({ toolCalls }) => toolCalls?.length),
  ).toEqual([1, 2]);
});

test.each([
  { name: 'one turn', turns: [{ ids: [1, 2, 3], from: 1 }], joined: [{ ids: [1, 2, 3], trained: [[1, 3]] }] },
  {
    name: 'turns that are the beginnings of later ones',
    turns: [
      { ids: [1, 2], from: 1 },
      { ids: [1, 2, 3, 4], from: 3 },
      { ids: [1, 2, 3, 4, 5, 6, 7], from: 5 },
    ],
    joined: [
      {
        ids: [1, 2, 3, 4, 5, 6, 7],
        trained: [
          [1, 2],
          [3, 4],
          [5, 7],
        ],
      },
    ],
  },
  {
    name: 'a turn that a template shows differently later on',
    turns: [
      { ids: [1, 9, 2], from: 1 },
      { ids: [1, 2, 3, 9, 4], from: 3 },
      { ids: [1, 2, 3, 9, 4, 5, 6], from: 6 },
    ],
    joined: [
      { ids: [1, 9, 2], trained: [[1, 3]] },
      {
        ids: [1, 2, 3, 9, 4, 5, 6],
        trained: [
          [3, 5],
          [6, 7],
        ],
      },
    ],
  },
])('$name: share a document where its tokens are the same', ({ turns, joined }) => {
  expect(joinTurns(turns)).toEqual(joined);
});
