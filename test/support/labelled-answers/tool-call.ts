import type { LabelledAnswers } from './labelled-answers.ts';

/** Each way of writing one call. */
const ways = (name: string, given: object): string[] => [
  JSON.stringify({ name, arguments: given }),
  JSON.stringify({ arguments: given, name }, undefined, 2),
  `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`,
  JSON.stringify({ name, parameters: given }),
  JSON.stringify({ type: 'function', function: { name, arguments: JSON.stringify(given) } }),
  JSON.stringify({ function: { name, arguments: given } }),
  `\`\`\`json\n${JSON.stringify({ name, arguments: given })}\n\`\`\``,
  JSON.stringify([{ name, arguments: given }]),
];
/** Calls of something else, or of more. */
const others = (name: string, given: object): string[] => [
  JSON.stringify({ name: `${name}s`, arguments: given }),
  JSON.stringify({ name, arguments: {} }),
  JSON.stringify({ name, arguments: { ...given, more: 1 } }),
  JSON.stringify([
    { name, arguments: given },
    { name, arguments: given },
  ]),
  JSON.stringify([
    { name, arguments: given },
    { name: 'other', arguments: {} },
  ]),
  JSON.stringify({ name }),
  JSON.stringify({ [name]: given }),
  `${name}(${JSON.stringify(given)})`,
  `<tool_call>${JSON.stringify({ name, arguments: given })}</tool_call><tool_call>{}</tool_call>`,
  `<tool_call>${JSON.stringify({ name, arguments: given })}`,
  JSON.stringify({ name, arguments: [given] }),
  'I call it now.',
  '[]',
];

const one = (
  name: string,
  given: object,
  prompt: string,
  wrong: readonly object[],
  lookAlike: readonly string[],
): LabelledAnswers => ({
  gold: JSON.stringify({ name, arguments: given }),
  prompt,
  right: ways(name, given),
  wrong: [...others(name, given), ...wrong.map((each) => JSON.stringify({ name, arguments: each }))],
  lookAlike,
});

export const toolCallAnswers: readonly LabelledAnswers[] = [
  one(
    'weather',
    { city: 'Oslo', days: 3 },
    'What is the weather in Oslo for three days?',
    [{ city: 'oslo', days: 3 }, { city: 'Oslo', days: '3' }, { city: 'Oslo', days: 4 }, { city: 'Oslo' }],
    [
      '{"name": "wеather", "arguments": {"city": "Oslo", "days": 3}}',
      '{"name": "weather", "arguments": {"city": "Оslo", "days": 3}}',
    ],
  ),
  one(
    'send',
    { to: ['ana', 'bo'], urgent: true },
    'Tell Ana and Bo at once.',
    [
      { to: ['bo', 'ana'], urgent: true },
      { to: ['ana'], urgent: true },
      { to: ['ana', 'bo'], urgent: 'true' },
      { to: 'ana,bo', urgent: true },
    ],
    ['{"name": "send", "arguments": {"to": ["аna", "bo"], "urgent": true}}'],
  ),
  one(
    'set_valve',
    { id: 'v7', opening: 0.5, limits: { low: 0, high: 1 } },
    'Open valve 7 half.',
    [
      { id: 'v7', opening: 0.51, limits: { low: 0, high: 1 } },
      { id: 'v7', opening: 0.5, limits: { low: 0 } },
      { id: 'v8', opening: 0.5, limits: { low: 0, high: 1 } },
    ],
    ['{"name": "set_valve", "arguments": {"id": "ѵ7", "opening": 0.5, "limits": {"low": 0, "high": 1}}}'],
  ),
  one(
    'stop',
    { reason: null },
    'Stop without a reason.',
    [{ reason: '' }, { reason: 'null' }, { reason: 0 }],
    ['{"name": "stoр", "arguments": {"reason": null}}'],
  ),
  {
    gold: JSON.stringify({
      calls: [
        { name: 'read', arguments: { id: 1 } },
        { name: 'read', arguments: { id: 2 } },
      ],
    }),
    prompt: 'Read sensors 1 and 2.',
    right: [
      '[{"name": "read", "arguments": {"id": 1}}, {"name": "read", "arguments": {"id": 2}}]',
      '[{"name": "read", "arguments": {"id": 2}}, {"name": "read", "arguments": {"id": 1}}]',
      '<tool_call>{"name": "read", "arguments": {"id": 2}}</tool_call>\n<tool_call>{"name": "read", "arguments": {"id": 1}}</tool_call>',
    ],
    wrong: [
      '{"name": "read", "arguments": {"id": 1}}',
      '[{"name": "read", "arguments": {"id": 1}}, {"name": "read", "arguments": {"id": 1}}]',
      '[{"name": "read", "arguments": {"id": 1}}, {"name": "read", "arguments": {"id": 2}}, {"name": "read", "arguments": {"id": 3}}]',
      '{"name": "read", "arguments": {"id": [1, 2]}}',
    ],
    lookAlike: ['[{"name": "rеad", "arguments": {"id": 1}}, {"name": "read", "arguments": {"id": 2}}]'],
  },
  one(
    'log',
    { text: 'He said "no" {}' },
    'Log what he said.',
    [{ text: 'He said no {}' }, { text: '' }, { text: ['He said "no"'] }],
    ['{"name": "lоg", "arguments": {"text": ""}}'],
  ),
];
