import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lines, pin, readResult, runStage, runToResult, writeStage } from '../../support/trainer.ts';

// A base that knows its questions by heart: half of the time it calls a calculator and answers right, the other half it guesses, wrongly.
const questions = ['1+2=', '2+2=', '2+1=', '1+3='];
const callOf = (question: string) =>
  `<tool_call>{"name":"calculator","arguments":{"expression":"${question.slice(0, 3)}"}}</tool_call>`;
const sumOf = (question: string) => Number(question[0]) + Number(question[2]);
const known = (question: string) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: callOf(question) },
    { role: 'user', content: `<tool_response>\n${sumOf(question)}\n</tool_response>` },
    { role: 'assistant', content: `<answer>${sumOf(question)}</answer>` },
  ],
});
const guessed = (question: string) => ({
  messages: [
    { role: 'user', content: question },
    { role: 'assistant', content: '<answer>9</answer>' },
  ],
});
const grpo = {
  prompts: ['sums'],
  steps: 4,
  stepsPerRollout: 2,
  promptsPerStep: 2,
  group: 4,
  learningRate: 1e-4,
  kl: { coefficient: 0.1 },
  tools: ['calculator'],
  maxToolTokens: 8,
  sampling: { maxNewTokens: 110 },
  rewards: [{ length: { max: 110, soft: 100 } }, { random: {} }],
  completions: { rollouts: 9 },
  checkpointEvery: 1,
};

let root: string;
let datasets: readonly object[];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-conversations-'));
  const write = async (name: string, rows: readonly object[]) => {
    await writeFile(join(root, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    return join(root, `${name}.jsonl`);
  };
  const sums = questions.map((prompt) => ({ prompt, answer: String(sumOf(prompt)) }));
  const heldOut = { file: await write('held-out', sums) };
  datasets = [
    {
      name: 'known',
      file: await write(
        'known',
        questions.flatMap((question) => [known(question), guessed(question)]),
      ),
    },
    { name: 'sums', file: await write('sums', sums), heldOut },
  ];
  const init = { architecture: 'qwen3', hiddenSize: 64, layers: 2, heads: 2, kvHeads: 1, maxLength: 256 };
  const settings = { pretrain: { data: ['known'], steps: 200, batch: 8, learningRate: 5e-3 } };
  await runToResult(root, { name: 'base', settings, model: { init }, datasets });
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function stage(name: string, settings: object, more: object = {}) {
  const model = { input: await pin(root, 'base') };
  return { name, stage: 'conversations', settings, model, datasets, ...more };
}

async function train(name: string, changes: object, more: object = {}) {
  const settings = { grpo: { ...grpo, ...changes } };
  const { metrics, checkpoint } = await runToResult(root, await stage(name, settings, more));
  return { metrics, digest: checkpoint?.digest };
}

test('a stage trains conversations with a tool as it sampled them, and shows them', async () => {
  const evaluation = { data: ['sums'], tools: ['calculator'], sampling: { maxNewTokens: 110 } };
  const { metrics } = await train('tools', {}, { evaluation });
  expect(metrics['sampling/sampling_logp_difference/max']).toBe(0);
  expect(metrics['tools/call_frequency']).toBeGreaterThan(0);
  expect(metrics['tools/failure_frequency']).toBeLessThan(1);
  expect(metrics['eval/tools/call_frequency']).toBeGreaterThan(0);
  const rollout = await readFile(join(root, 'tools', 'rollouts', 'step-000001.jsonl'), 'utf8');
  expect(rollout).toMatch(/<tool_response>\\n\d\\n<\/tool_response>\\n--- assistant ---\\n/);
});

test('the number of workers changes no bit, nor does a kill within a rollout', async () => {
  const whole = await train('one', {}, { workers: 1 });
  expect((await train('three', {}, { workers: 3 })).digest).toBe(whole.digest);

  const file = await writeStage(root, await stage('killed', { grpo }));
  await runStage(file, { file: join(root, 'killed', 'metrics.jsonl'), holds: '"step":3,' });
  await runStage(file);
  expect((await readResult(root, 'killed')).checkpoint?.digest).toBe(whole.digest);
  expect(await lines(join(root, 'killed', 'metrics.jsonl'))).toHaveLength(4);
});

test('wrong answers are tried again, and both tries are in the metrics', async () => {
  const { metrics } = await train('refined', { refine: { rounds: 1 }, rewards: [{ accuracy: {} }] });
  expect(metrics['sampling/sampling_logp_difference/max']).toBe(0);
  expect(metrics['refine/tries']).toBeGreaterThan(0);
  expect(metrics['refine/last_accuracy']).toBeGreaterThanOrEqual(metrics['refine/first_accuracy'] ?? NaN);
});

test('rows that are sampled with a tool have the call and its result before the answer', async () => {
  const settings = {
    sample: { prompts: ['sums'], limit: 4, perPrompt: 2, keep: [], tools: ['calculator'], sampling: grpo.sampling },
  };
  await runToResult(root, await stage('rows', settings));
  const rows = (await lines(join(root, 'rows', 'data', 'rows.jsonl'))).map(
    (line) => JSON.parse(line) as ReturnType<typeof known>,
  );
  const [asked] = rows.filter(({ messages }) => messages.length > 1);
  expect(asked?.messages.slice(1).map(({ content }) => content)).toEqual([
    expect.stringMatching(/^<tool_call>.*<\/tool_call>$/),
    expect.stringMatching(/^<tool_response>\n\d\n<\/tool_response>$/),
  ]);
});

// Decided to the bit on one kind of CPU; the margins are for others. Three stages: a minute on a busy machine.
(process.env['R1_LONG_TESTS'] === '1' ? test : test.skip)(
  'by reward alone the model learns to call, and by noise or at a rate of 0 it does not',
  async () => {
    const evaluation = { data: ['sums'], samples: 16, tools: ['calculator'], sampling: { maxNewTokens: 110 } };
    const shape = { steps: 10, stepsPerRollout: 1, promptsPerStep: 4, group: 8, learningRate: 5e-4 };
    const learning = { ...shape, rewards: [{ accuracy: {} }], controls: ['random', 'zeroLr'] };
    const { metrics } = await train('learning', learning, { evaluation });
    const of = (name: string) => metrics[name] ?? NaN;
    expect(of('eval/tools/call_frequency')).toBeGreaterThan(0.75);
    for (const control of ['random', 'zeroLr'])
      expect(of('eval/pass@1')).toBeGreaterThan(of(`control/${control}/pass@1`) + 0.1);
  },
);
