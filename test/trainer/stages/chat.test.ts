import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runToResult } from '../../support/trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-chat-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const template = '{% for m in messages %}{{ m.content }}{% break %}{% endfor %}=';

test('a stage renders, stops and carries on as its chat settings say', async () => {
  const templateFile = join(root, 'first-message.jinja');
  await writeFile(templateFile, template);
  const chat = { templateFile, prefill: '<think>', stop: ['e', '</think>'] };
  const first = await runToResult(root, {
    name: 'base',
    chat,
    settings: { grpo: { prompts: ['sums'], steps: 1, promptsPerStep: 8, group: 8, rewards: [{ format: {} }] } },
  });
  const samples = (await readFile(join(root, 'base/samples.jsonl'), 'utf8')).trim().split('\n');
  const completions = samples.map((line) => (JSON.parse(line) as { completion: string }).completion);
  expect(completions.length).toBeGreaterThan(0);
  for (const completion of completions) expect(completion).toMatch(/^<think>[^e]*$/);

  const { path, step, digest } = first.checkpoint!;
  expect(await readFile(join(path, 'chat_template.jinja'), 'utf8')).toBe(template);
  const second = await runToResult(root, {
    name: 'after',
    model: { input: { stage: 'base', path, digest } },
    settings: { sft: { data: ['mixture'], epochs: 1, batch: 200 } },
  });
  expect(step).toBe(1);
  expect(await readFile(join(second.checkpoint!.path, 'chat_template.jinja'), 'utf8')).toBe(template);
  expect(await templateDigest(second.checkpoint!.path)).toBe(await templateDigest(path));
});

async function templateDigest(checkpoint: string): Promise<unknown> {
  const state = JSON.parse(await readFile(join(checkpoint, 'trainer/state.json'), 'utf8')) as Record<string, unknown>;
  return state['templateDigest'];
}
