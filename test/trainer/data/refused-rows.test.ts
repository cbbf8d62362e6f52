import { expect, test } from '@jest/globals';
import type { DatasetSettings } from '../../../trainer/contract/settings/dataset.ts';
import { rowOf } from '../../../trainer/data/row-of.ts';

const user = { role: 'user', content: 'Hi' };
const assistant = { role: 'assistant', content: 'Hello!' };
const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });

const cases: { value: unknown; columns?: DatasetSettings['columns']; says: string }[] = [
  { value: ['a'], says: "found a JSON array; expected one JSON object a line (jq -c '.[]' FILE makes it)" },
  { value: 'a', says: 'found "a"; expected a JSON object' },
  {
    value: { question: 'Hi', answer: '#### 18' },
    says: 'found fields question, answer; expected prompt or messages',
  },
  { value: { score: 1 }, says: 'found field score; expected prompt or messages' },
  { value: {}, says: 'found no fields; expected prompt or messages' },
  {
    value: { prompt: 'Hi', messages: [user] },
    says: 'found both prompt and messages; expected one of them, or the one that counts: columns: {prompt: prompt}',
  },
  {
    value: { problem: 'Hi', label: 1 },
    columns: { prompt: 'question' },
    says: 'columns.prompt: found no column question; found fields problem, label',
  },
  { value: { prompt: 5 }, says: 'prompt: found 5, expected text or a list of messages' },
  { value: { prompt: [user, assistant] }, says: "prompt ends with a message of the assistant; expected the user's" },
  { value: { messages: 'Hi' }, says: 'messages: found "Hi", expected a list of messages' },
  { value: { messages: [] }, says: 'messages: is empty' },
  { value: { messages: ['Hi'] }, says: 'messages.0: found "Hi", expected a message with role and content' },
  {
    value: { messages: [{ role: 'bot', content: 'a' }] },
    says: 'messages.0.role: found "bot", expected one of system',
  },
  { value: { messages: [{ role: 'user' }] }, says: 'messages.0.content: found nothing, expected text or a list of' },
  {
    value: { messages: [user, { role: 'assistant', content: null }] },
    says: 'messages.1.content: found null, expected text',
  },
  {
    value: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
    says: 'messages.0.content.0: found a part of type "image_url", expected text: images and the like are not read',
  },
  { value: { messages: [assistant] }, says: 'messages end with a message of the assistant that nothing comes before' },
  { value: { messages: [user, { role: 'system', content: 'a' }] }, says: 'messages end with a message of the system' },
  {
    value: { messages: [user, { role: 'assistant', tool_calls: [{ function: {} }] }] },
    says: 'messages.1.tool_calls.0: found nothing as the name of the function, expected text',
  },
  {
    value: { messages: [user, { role: 'assistant', tool_calls: [{ name: 'f', arguments: '{' }] }] },
    says: 'messages.1.tool_calls.0.arguments: found text that is no JSON',
  },
  { value: { prompt: 'Hi', tools: [deep(5000)] }, says: 'tools.0: is nested more than 32 levels deep, expected less' },
  { value: { prompt: 'Hi', tools: {} }, says: 'tools: found an object, expected a list of tool descriptions' },
  {
    value: { conversations: [{ from: 'bing', value: 'a' }] },
    says: 'conversations.0.from: found "bing", expected one',
  },
  { value: { instruction: '' }, says: 'instruction: is empty' },
  { value: { instruction: 'a', history: [['b', 'c']] }, says: 'history: found earlier turns beside instruction' },
  { value: { text: '' }, says: 'text: expected text that is not empty' },
  { value: { chosen: 'a', rejected: 'b' }, says: 'chosen: found "a" without a prompt; expected prompt, or whole' },
  { value: { chosen: [user, assistant] }, says: 'found field chosen; expected prompt or messages' },
  {
    value: { chosen: [user, assistant], rejected: [assistant, assistant] },
    says: 'chosen and rejected begin with different messages; expected the same prompt',
  },
  {
    value: { chosen: [user, assistant, user, assistant], rejected: [user, { ...assistant, content: 'b' }] },
    says: 'chosen: found 3 messages after the prompt, expected one of the assistant',
  },
  { value: { prompt: 'a', chosen: 'b' }, says: 'found only one of chosen and rejected: chosen; found fields prompt' },
  { value: { prompt: 'a', completion: [user] }, says: 'completion ends with a message of the user; expected the' },
  { value: { messages: [user, assistant], completion: 'a' }, says: "found a completion beside the assistant's last" },
  { value: { prompt: 'a', chosen: 'b', rejected: 'c', margin: '2' }, says: 'margin: found "2", expected a number' },
  { value: { prompt: 'a', system: 5 }, says: 'system: found 5, expected text' },
  { value: { prompt: 'a', answer: { a: 1 } }, says: 'answer: found an object, expected text or a number' },
];

test.each(cases)('says: $says', ({ value, columns, says }) => {
  expect(() => rowOf(value, { name: 'rows', file: 'rows.jsonl', columns }, 'rows/1')).toThrow(says);
});

test('an object is a gold answer of the kinds that have several fields, as its JSON text', () => {
  const gold = { value: '5 V', tolerances: [{ tolerance: '2 %' }] };
  const settings: DatasetSettings = { name: 'sensors', file: 'x', answer: { kind: 'quantity', in: 'completion' } };
  expect(rowOf({ prompt: 'a', answer: gold }, settings, 'sensors/1').answer).toEqual({
    kind: 'quantity',
    in: 'completion',
    gold: JSON.stringify(gold),
  });
  expect(() => rowOf({ prompt: 'a', answer: ['5 V'] }, settings, 'sensors/1')).toThrow(
    'answer: found a list, expected text, an object or a number',
  );
});

test('an answer is missed where it is said how answers are verified', () => {
  const settings: DatasetSettings = { name: 'maths', file: 'x', answer: { kind: 'number', in: 'completion' } };
  expect(() => rowOf({ prompt: 'a', solution: '5' }, settings, 'maths/1')).toThrow(
    'found no answer, which is to be verified; found fields prompt, solution',
  );
  const renamed: DatasetSettings = { ...settings, columns: { prompt: 'question' } };
  expect(() => rowOf({ question: 'a', level: 2, answer: null }, renamed, 'maths/1')).toThrow(
    'found no answer, which is to be verified; found fields question, level',
  );
});
