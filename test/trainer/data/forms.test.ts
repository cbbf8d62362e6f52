import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { DatasetSettings, Row } from '../../../trainer/contract/settings/dataset.ts';
import { rowOf } from '../../../trainer/data/row-of.ts';

const settings: DatasetSettings = { name: 'rows', file: 'rows.jsonl' };
const read = (value: unknown, columns?: DatasetSettings['columns']) => rowOf(value, { ...settings, columns }, 'rows/1');

const page = readFileSync(join(import.meta.dirname, '../../../docs/reference/datasets.md'), 'utf8');
const examples = [...page.matchAll(/^\| *(?<form>[^|]+?) *\|.*\| *`(?<json>\{.*\})` *\|$/gm)].map(({ groups }) => ({
  form: groups?.['form'] as string,
  value: JSON.parse(groups?.['json'] as string) as unknown,
}));

const user = (content: string) => ({ role: 'user' as const, content });
const assistant = (content: string) => ({ role: 'assistant' as const, content });
const system = (content: string) => ({ role: 'system' as const, content });
const hello = { messages: [user('Say hello.')], completion: 'Hello!' };
const preference = { messages: [user('Say hello.')], chosen: 'Hello!', rejected: 'No.' };
const weatherCall = {
  type: 'function' as const,
  function: { name: 'weather', arguments: { city: 'Oslo' } },
};

/** What the examples of the page become. */
const expected: Record<string, Partial<Row>> = {
  Prompt: { messages: [user('What is 2 + 3?')], answer: { kind: 'number', in: 'answerTag', gold: '5' } },
  'Prompt as messages': {
    messages: [system('Be brief.'), user('What is 2 + 3?')],
    answer: { kind: 'number', in: 'answerTag', gold: '5' },
  },
  'Prompt and completion': hello,
  'Prompt and completion as messages': hello,
  Preference: preference,
  'Preference as messages': preference,
  'Preference with an implicit prompt': preference,
  'Preference with a margin': { ...preference, margin: 1.5 },
  'Unpaired preference': {
    messages: [user('Say hello.')],
    completion: '<think>I am kind.</think>Hello!',
    label: true,
  },
  Conversation: { messages: [user('Hi'), assistant('Hello!'), user('2 + 2?')], completion: '4' },
  'Text parts': hello,
  'Tool calls': {
    tools: [
      {
        type: 'function',
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ],
    messages: [
      user('Weather in Oslo?'),
      { role: 'assistant', content: '', tool_calls: [weatherCall] },
      { role: 'tool', name: 'weather', content: '3 degrees' },
    ],
    completion: 'It is 3 degrees.',
  },
  ShareGPT: { messages: [system('Be short.'), user('Say hello.')], completion: 'Hello!' },
  Alpaca: { messages: [user('Translate into German.\nGood morning')], completion: 'Guten Morgen' },
  Document: { messages: [], completion: 'Once there was a number.' },
};

test('every form of the page has an example', () => {
  expect(examples.map(({ form }) => form)).toEqual(Object.keys(expected));
});

test.each(examples)('reads the page’s example of a row: $form', ({ form, value }) => {
  expect(read(value)).toEqual({ id: 'rows/1', dataset: 'rows', domain: 'reasoning', ...expected[form] });
});

test.each([
  {
    name: 'a preference whose answers repeat the prompt',
    value: { prompt: 'Hi', chosen: [user('Hi'), assistant('a')], rejected: [user('Hi'), assistant('b')] },
    row: { messages: [user('Hi')], chosen: 'a', rejected: 'b' },
  },
  {
    name: 'a preference of answers that are the same',
    value: { chosen: [user('Hi'), assistant('a')], rejected: [user('Hi'), assistant('a')] },
    row: { messages: [user('Hi')], chosen: 'a', rejected: 'a' },
  },
  {
    name: 'a label of 0 and 1',
    value: { prompt: 'Hi', completion: 'a', label: 0 },
    row: { messages: [user('Hi')], completion: 'a', label: false },
  },
  {
    name: 'a label that says something else',
    value: { prompt: 'Hi', completion: 'a', label: 'greeting' },
    row: { messages: [user('Hi')], completion: 'a' },
  },
  {
    name: 'a preference of single messages',
    value: { conversations: [{ from: 'human', value: 'Hi' }], chosen: { from: 'gpt', value: 'a' }, rejected: 'b' },
    row: { messages: [user('Hi')], chosen: 'a', rejected: 'b' },
  },
  {
    name: 'a completion of several turns, of which the last counts',
    value: { prompt: 'Hi', completion: [assistant('a'), user('b'), assistant('c')] },
    row: { messages: [user('Hi'), assistant('a'), user('b')], completion: 'c' },
  },
  {
    name: 'a call of a tool as the last turn, with arguments as JSON text',
    value: {
      messages: [
        user('Weather?'),
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: '1', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }],
        },
      ],
      tools: '[{"name":"weather"}]',
    },
    row: {
      messages: [user('Weather?')],
      tools: [{ name: 'weather' }],
      completion: '',
      toolCalls: [{ id: '1', ...weatherCall }],
    },
  },
  {
    name: 'a ShareGPT call of a tool and its observation',
    value: {
      conversations: [
        { from: 'human', value: 'Weather?' },
        { from: 'function_call', value: '{"name":"weather","arguments":{"city":"Oslo"}}' },
        { from: 'observation', value: '3' },
        { from: 'gpt', value: 'Cold.' },
      ],
    },
    row: {
      messages: [
        user('Weather?'),
        { role: 'assistant', content: '', tool_calls: [weatherCall] },
        { role: 'tool', content: '3' },
      ],
      completion: 'Cold.',
    },
  },
  {
    name: 'a chain of thought in a field of its own',
    value: { messages: [user('2+2?'), { role: 'assistant', content: '4', reasoning_content: '2 and 2.\n' }] },
    row: { messages: [user('2+2?')], completion: '<think>\n2 and 2.\n</think>\n\n4' },
  },
  {
    name: 'a developer’s message, which takes the place of the system’s',
    value: { messages: [{ role: 'developer', content: 'Be short.' }, user('Hi')], system: 'Own.' },
    row: { messages: [{ role: 'developer', content: 'Be short.' }, user('Hi')] },
  },
  {
    name: 'a system message beside an instruction; null is absent',
    value: { instruction: 'Say hello.', input: '', output: null, system: 'Own.', prompt: null },
    row: { messages: [system('Own.'), user('Say hello.')] },
  },
  {
    name: 'messages beside the text that a template has made of them',
    value: { messages: [user('Hi')], text: '<user>Hi' },
    row: { messages: [user('Hi')] },
  },
  {
    name: 'columns with other names, one of them inside of an object',
    value: { question: 'Hi', messages: [user('Ho')], reward_model: { ground_truth: '5' }, answer: 'long' },
    columns: { prompt: 'question', answer: 'reward_model.ground_truth', completion: 'answer' },
    row: { messages: [user('Hi')], completion: 'long', answer: { kind: 'number', in: 'answerTag', gold: '5' } },
  },
])('reads $name', ({ value, columns, row }) => {
  expect(read(value, columns)).toEqual({ id: 'rows/1', dataset: 'rows', domain: 'reasoning', ...row });
});
