import { expect, test } from '@jest/globals';
import { generatorSettings, type Row } from '../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { generateRows } from '../../../trainer/data/generators/generate.ts';
import { promptBatch } from '../../../trainer/data/order/prompt-order.ts';
import { chooseExamples, fewShotMessages, reflectionMessages } from '../../../trainer/data/prompts.ts';

const settings = generatorSettings.parse({ task: 'addition', rows: 500, heldOut: 100 });
const train = [...generateRows('sums', settings, 7, 'train')];
const heldOut = [...generateRows('sums', settings, 7, 'heldOut')];
const last = (row: Row) => row.messages.at(-1)?.content as string;

test('a few-shot prompt shows worked examples in the language of the row, never held-out ones nor the row itself', () => {
  const held = new Set(heldOut.map(last));
  for (const row of train.slice(0, 50)) {
    const [message] = fewShotMessages(row, train, 2, 7);
    const shown = message?.content.split('\n') as string[];
    expect(shown).toHaveLength(3);
    expect(shown[2]).toBe(last(row));
    for (const example of shown.slice(0, 2)) {
      expect(example).toMatch(
        row.language === 'de'
          ? /^Addiere \d+\+\d+\. <think>Einer .*<\/think><answer>\d+<\/answer>$/
          : /^Add \d+\+\d+\. <think>ones .*<\/think><answer>\d+<\/answer>$/,
      );
      const question = example.slice(0, example.indexOf(' <think>'));
      expect(held.has(question) || question === last(row)).toBe(false);
    }
    expect(new Set(shown).size).toBe(3);
  }
});

test('examples are a function of seed and row', () => {
  const row = train[0] as Row;
  expect(chooseExamples(row, train, 3, 7)).toEqual(chooseExamples(row, train, 3, 7));
  expect(chooseExamples(row, train, 3, 8)).not.toEqual(chooseExamples(row, train, 3, 7));
});

test('too few worked examples are an error that says so', () => {
  const row = train[0] as Row;
  expect(() => fewShotMessages(row, heldOut, 2, 7)).toThrow(UserError);
  expect(() => fewShotMessages(row, train.slice(0, 1), 2, 7)).toThrow(/dataset sums: found 0 training rows/);
});

test('reflection is asked for in the language of the row, behind the question; other messages stay', () => {
  const system = { role: 'system', content: 'Be brief.' } as const;
  const row = {
    ...(train[0] as Row),
    language: 'de' as const,
    messages: [system, { role: 'user' as const, content: 'Addiere 1+2.' }],
  };
  expect(reflectionMessages(row)).toEqual([system, { role: 'user', content: 'Addiere 1+2. Mache die Probe.' }]);
  expect(row.messages[1]?.content).toBe('Addiere 1+2.');
});

test('every epoch has every row once, in its own order', () => {
  const epoch = (index: number) => promptBatch(train, 7, index * train.length, train.length);
  expect(epoch(0).toSorted((a, b) => train.indexOf(a) - train.indexOf(b))).toEqual(train);
  expect(epoch(1)).not.toEqual(epoch(0));
});

test('batches run through the epochs without gap or repetition, wherever one begins', () => {
  const whole = promptBatch(train, 7, 0, 2 * train.length);
  expect(promptBatch(train, 7, 480, 40)).toEqual(whole.slice(480, 520));
  expect(promptBatch(train.slice(0, 3), 7, 0, 7)).toHaveLength(7);
});
