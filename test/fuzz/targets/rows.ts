import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { dataset } from '../../../trainer/contract/settings/dataset.ts';
import { loadDataset } from '../../../trainer/data/load-dataset.ts';
import { bytesOf, damagedBytes, damagedJson } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const rows = [
  { prompt: 'What is 3 + 4?', answer: '7', completion: '<think>3 and 4</think><answer>7</answer>', language: 'en' },
  {
    messages: [
      { role: 'system', content: 's' },
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'a' },
    ],
    answer: 1,
  },
  { prompt: [{ role: 'user', content: 'u' }], completion: [{ role: 'assistant', content: 'a' }], answer: '\\boxed{7}' },
  {
    conversations: [
      { from: 'human', value: 'u' },
      { from: 'gpt', value: 'a' },
    ],
    answer: '#### 1,000',
  },
  { prompt: 'p', chosen: 'c', rejected: 'r', answer: '1/2' },
  {
    chosen: [
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'c' },
    ],
    rejected: [
      { role: 'user', content: 'u' },
      { role: 'assistant', content: 'r' },
    ],
    answer: '3',
  },
  { instruction: 'i', input: 'n', output: 'o', system: 's', answer: 2 },
  { text: 't', answer: '4' },
  {
    tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'u' }] },
      { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: '{"a": 1}' } }] },
      { role: 'tool', name: 'f', content: '3', tool_call_id: '1' },
      { role: 'assistant', content: 'a', reasoning_content: 'r' },
    ],
    answer: 3,
  },
];

const files = rows.map((row) => bytesOf(`${JSON.stringify(row)}\n${JSON.stringify(rows[0])}\n`));

/** A data file of a person. */
export const jsonl: FuzzTarget = {
  name: 'JSONL',
  mostMiB: 400,
  inputs: () =>
    fc.oneof(
      fc
        .array(damagedJson(rows), { minLength: 1, maxLength: 2 })
        .map((lines) => bytesOf(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))),
      damagedBytes(files),
    ),
  async open(directory) {
    const path = join(directory, 'rows.jsonl');
    const settings = dataset.parse({ name: 'rows', file: path, answer: {} });
    return {
      async read(input) {
        await writeFile(path, input);
        return loadDataset(settings, 1);
      },
    };
  },
};
