import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { encodeDocuments } from '../../../trainer/stages/rows/documents.ts';
import { encodeExchange, encodePrompt } from '../../../trainer/stages/policy/encoding.ts';
import { encodeRead } from '../../../trainer/stages/policy/reading.ts';
import { loadTokenizer } from '../../../trainer/tokenizers/tokenizer.ts';
import { lines, pin, runToResult } from '../../support/trainer.ts';

/** As those of R1's distilled models: the prompt opens the block, and the history has no thoughts. */
const template = `{% for m in messages %}{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}{% elif m['role'] == 'assistant' %}<|assistant|>{{ m['content'].split('</think>')[-1] }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>`;
const endings = { open: '<think>\n', openedWithoutBreak: '<think>', closed: '<think>\n\n</think>\n\n', none: '' };

const response = '<think>\n2 plus 2 is 4.\n</think>\n<answer>4</answer>';
const asked = { prompt: '2+2?', language: 'en' };

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-think-'));
  await runToResult(root, { name: 'base', settings: { pretrain: { data: ['mixture'], steps: 1, batch: 4 } } });
  const base = await pin(root, 'base');
  for (const [name, ending] of Object.entries(endings)) {
    await cp(base.path, join(root, `model-${name}`), { recursive: true });
    await writeFile(join(root, `model-${name}`, 'chat_template.jinja'), `${template}${ending}{% endif %}`);
  }
  await writeFile(join(root, 'taught.jsonl'), `${JSON.stringify({ ...asked, completion: response })}\n`.repeat(2));
  await writeFile(join(root, 'sums.jsonl'), `${JSON.stringify({ ...asked, answer: '4' })}\n`.repeat(2));
});
afterAll(() => rm(root, { recursive: true, force: true }));

test('a template that opens the block of thought: perfect responses are rewarded, kept whole, and trained with one tag', async () => {
  const datasets = [
    { name: 'taught', file: join(root, 'taught.jsonl') },
    { name: 'sums', file: join(root, 'sums.jsonl'), answer: { kind: 'number' } },
  ];
  const run = async (name: string, settings: object, model: object, inputs = {}) =>
    runToResult(root, { name, settings, model, inputs, datasets });
  const sampling = { maxNewTokens: 60, temperature: 0.2 };

  const sft = { data: ['taught'], epochs: 150, batch: 2, learningRate: 5e-3 };
  await run('taught', { sft }, { path: join(root, 'model-open') });
  const taught = { input: await pin(root, 'taught') };

  const rewards = [{ accuracy: {} }, { format: {} }, { languageConsistency: {} }];
  const grpo = { prompts: ['sums'], steps: 1, promptsPerStep: 2, group: 4, sampling, rewards };
  await run('zero', { grpo }, taught);
  const [metrics = ''] = await lines(join(root, 'zero', 'metrics.jsonl'));
  expect(JSON.parse(metrics)).toMatchObject({
    'rewards/accuracy/mean': 1,
    'rewards/format/mean': 1,
    'rewards/languageConsistency/mean': 1,
    format_rate: 1,
  });
  const [sample = ''] = await lines(join(root, 'zero', 'samples.jsonl'));
  expect(JSON.parse(sample)).toMatchObject({ completion: response, opening: '<think>\n' });

  await run('keep', { sample: { prompts: ['sums'], perPrompt: 2, sampling } }, taught);
  const kept = await pin(root, 'keep');
  const [row = ''] = await lines(join(kept.path, 'rows.jsonl'));
  expect(JSON.parse(row)).toMatchObject({ completion: '<think>2 plus 2 is 4.</think><answer>4</answer>' });

  await run('again', { sft: { ...sft, data: ['keep'], epochs: 1 } }, taught, { keep: kept });
  const [first = ''] = await lines(join(root, 'again', 'metrics.jsonl'));
  const document = '<|user|>2+2?<|assistant|><think>\n2 plus 2 is 4.</think><answer>4</answer><|end|>';
  const { encode } = await loadTokenizer(join(root, 'model-open'));
  expect(JSON.parse(first)).toMatchObject({ num_tokens: 2 * encode(document).length });
});

const responses = [response, '<think>2 plus 2 is 4.</think>4', '\n<think>\n\n2+2\n</think>\n\n4', '2+2</think>4', '4'];

test.each([
  { ending: 'none', prefill: '<think>\nOkay, ' },
  { ending: 'open', prefill: 'Okay, ' },
] as const)('a prefill behind a prompt whose block is $ending is part of the response', async ({ ending, prefill }) => {
  const tokenizer = await loadTokenizer(join(root, `model-${ending}`), { prefill });
  const model = { tokenizer, config: { maxLength: 128 } };
  const prompt = { messages: [{ role: 'user' as const, content: '2+2?' }] };
  expect(encodePrompt(model, prompt).opening).toBe('<think>\nOkay, ');
  const completion = '<think>\nOkay, 2 plus 2 is 4.\n</think>\n<answer>4</answer>';
  const { completionIds } = encodeExchange(model, { ...prompt, completion });
  expect(tokenizer.decode(completionIds)).toBe('2 plus 2 is 4.\n</think>\n<answer>4</answer>');
  expect(encodePrompt(model, { messages: [] }).opening).toBe('');
});

test.each(Object.keys(endings) as (keyof typeof endings)[])(
  'SFT and reward models read one block of thought behind a prompt whose block is %s',
  async (ending) => {
    const tokenizer = await loadTokenizer(join(root, `model-${ending}`));
    const model = { tokenizer, config: { maxLength: 128 } } as const;
    const [open] = tokenizer.encode('<think>');
    const [close] = tokenizer.encode('</think>');
    for (const completion of responses) {
      const row: Row = {
        id: 'a/1',
        dataset: 'a',
        domain: 'reasoning',
        messages: [{ role: 'user', content: '2+2?' }],
        completion,
      };
      const documents = encodeDocuments(model, row, 'last', Infinity);
      const ids = documents.flatMap((document) => document.ids);
      const reading = { scope: 'response', rendered: false } as const;
      expect(encodeRead(model, row, { text: completion }, reading)).toEqual(ids);
      const count = (id: number | undefined) => ids.filter((one) => one === id).length;
      const thoughts = completion === '4' && ending === 'none' ? 0 : 1;
      expect([completion, count(open), count(close)]).toEqual([completion, thoughts, thoughts]);
    }
  },
);
