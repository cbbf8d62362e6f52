import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import type { Message, Row } from '../../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../../trainer/contract/process/errors.ts';
import { encodeDocuments, supervisedBatch, type Trained } from '../../../../trainer/stages/rows/documents.ts';
import { encodePrompt, type Encoder } from '../../../../trainer/stages/policy/encoding.ts';
import { writeByteTokenizer } from '../../../../trainer/tokenizers/byte-tokenizer.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';
import { useTokenizers } from '../../../support/tokenizers.ts';

const directory = useTemporaryDirectory();
const loadTokenizer = useTokenizers();
beforeEach(() => writeByteTokenizer(directory()));

const control = ['<|pad|>', '<|system|>', '<|user|>', '<|assistant|>', '<|end|>', '<think>', '</think>'];

/** The documents as text, with `[` and `]` around what is trained. */
async function shown(row: Row, trained: Trained, template?: string, maxLength = 512): Promise<string[]> {
  if (template !== undefined) await writeFile(join(directory(), 'chat_template.jinja'), template);
  const model: Encoder = { tokenizer: await loadTokenizer(directory()), config: { maxLength } };
  return encodeDocuments(model, row, trained, maxLength).map(({ ids, trained: spans }) =>
    [...ids, -1]
      .map((id, at) => {
        const ends = spans.some(([, to]) => to === at) ? ']' : '';
        const begins = spans.some(([from]) => from === at) ? '[' : '';
        return ends + begins + (id < 0 ? '' : (control[id - 256] ?? String.fromCharCode(id)));
      })
      .join(''),
  );
}

const user = (content: string): Message => ({ role: 'user', content });
const assistant = (content: string): Message => ({ role: 'assistant', content });
const rowOf = (messages: Message[], completion: string, more: Partial<Row> = {}): Row => ({
  id: 'rows/1',
  dataset: 'rows',
  domain: 'general',
  messages,
  completion,
  ...more,
});
const chat = rowOf([user('1'), assistant('<think>a</think>2'), user('3')], '<think>b</think>4');
const call = { type: 'function' as const, function: { name: 'f', arguments: { a: 1 } } };

/** As Qwen3's: thoughts of earlier turns are left out, and the end of a turn has a line feed behind it. */
const forgetful =
  "{% for m in messages %}<|{{ m['role'] }}|>" +
  "{% if m['role'] == 'assistant' and not loop.last %}{{ m['content'].split('</think>')[-1] }}" +
  "{% else %}{{ m['content'] }}{% endif %}{% if m['role'] == 'assistant' %}<|end|>{{ '\\n' }}{% endif %}{% endfor %}" +
  '{% if add_generation_prompt %}<|assistant|>{% endif %}';

const withTools =
  '{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}' +
  '{% if m.tool_calls %}{{ m.tool_calls[0].function.name }}{{ m.tool_calls[0].function.arguments | tojson }}{% endif %}' +
  "{% if m.role == 'assistant' %}<|end|>{{ '\\n' }}{% endif %}{% endfor %}" +
  '{% if add_generation_prompt %}<|assistant|>{% endif %}';

test.each([
  {
    name: 'the last turn',
    trained: 'last' as const,
    documents: ['<|user|>1<|assistant|><think>a</think>2<|end|><|user|>3<|assistant|>[<think>b</think>4<|end|>]'],
  },
  {
    name: 'all turns, in one document where the template keeps what was said',
    trained: 'all' as const,
    documents: ['<|user|>1<|assistant|>[<think>a</think>2<|end|>]<|user|>3<|assistant|>[<think>b</think>4<|end|>]'],
  },
  {
    name: 'all turns, in a document each where the template leaves out earlier thoughts',
    trained: 'all' as const,
    template: forgetful,
    documents: [
      '<|user|>1<|assistant|>[<think>a</think>2<|end|>]',
      '<|user|>1<|assistant|>2<|end|>\n<|user|>3<|assistant|>[<think>b</think>4<|end|>]',
    ],
  },
  {
    name: 'the whole text',
    trained: 'text' as const,
    documents: ['<|user|>[1<|assistant|><think>a</think>2<|end|><|user|>3<|assistant|><think>b</think>4<|end|>]'],
  },
])('trains $name', async ({ trained, template, documents }) => {
  expect(await shown(chat, trained, template)).toEqual(documents);
});

test.each(['text', 'last', 'all'] as const)(
  'a document has no roles around it, and all of it is trained: %s',
  async (trained) => {
    expect(await shown(rowOf([], 'Once'), trained)).toEqual(['O[nce<|end|>]']);
  },
);

test('tools and their calls are written by the template', async () => {
  const row = rowOf([user('1')], 'I ask. ', { toolCalls: [call], tools: [{ name: 'f' }] });
  expect(await shown(row, 'last', withTools)).toEqual([
    '[{"name": "f"}]<|user|>1<|assistant|>[I ask. f{"a": 1}<|end|>]',
  ]);
  const earlier: Message[] = [user('1'), { ...assistant(''), tool_calls: [call] }, { role: 'system', content: '2' }];
  expect(await shown(rowOf(earlier, '3'), 'all', withTools)).toEqual([
    '<|user|>1<|assistant|>[f{"a": 1}<|end|>]\n<|system|>2<|assistant|>[3<|end|>]',
  ]);
});

test.each([
  { name: 'tools', row: rowOf([user('1')], '2', { tools: [{ name: 'f' }] }), says: 'says nothing of tools' },
  {
    name: 'tool calls',
    row: rowOf([user('1')], '2', { toolCalls: [call] }),
    says: 'writes no tool calls (tool_calls)',
  },
  {
    name: 'a developer',
    row: rowOf([{ role: 'developer', content: 'Be short.' }, user('1')], '2'),
    template: "{% for m in messages if m.role == 'user' %}{{ m.content }}{% endfor %}",
    says: 'its chat template leaves out messages of the role developer',
  },
])('a template that knows nothing of $name refuses the row', async ({ row, template, says }) => {
  await expect(shown(row, 'last', template)).rejects.toThrow(UserError);
  await expect(shown(row, 'last', template)).rejects.toThrow(says);
});

test('what is cut at the longest row is not trained', async () => {
  expect(await shown(chat, 'all', undefined, 8)).toEqual(['<|user|>1<|assistant|>[<think>a</think>2<|end|>]']);
});

test('weights stand one place before the trained tokens, and sum up to 1', async () => {
  const model: Encoder = { tokenizer: await loadTokenizer(directory()), config: { maxLength: 512 } };
  const documents = encodeDocuments(model, chat, 'all', 512);
  const [{ ids, weights } = { ids: [], weights: [] }] = supervisedBatch(documents).sequences;
  const prompt = encodePrompt(model, { messages: [user('1')] }).ids.length;
  expect(weights.findIndex((weight) => weight > 0)).toBe(prompt - 1);
  expect(weights.at(-1)).toBe(0);
  expect(weights).toHaveLength(ids.length);
  expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 12);
});
