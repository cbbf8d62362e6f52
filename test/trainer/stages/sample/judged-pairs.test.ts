import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { heldOutRowsName, judgeVerdictsName, rowsName } from '../../../../trainer/contract/files/checkpoint.ts';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { rowManifest, rowManifestName } from '../../../../trainer/contract/settings/row-origin.ts';
import { resultMetrics } from '../../../../trainer/contract/settings/result-metrics.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { faultOfOrigin } from '../../../../trainer/data/origins/row-origin.ts';
import { useBaseStage } from '../../../support/base-stage.ts';
import { useJudgeServer } from '../../../support/judge-server.ts';
import {
  lines,
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  type StageToRun,
  startStage,
  writeStage,
} from '../../../support/trainer.ts';

const root = useBaseStage({ steps: 40, batch: 16 });

const vowels = (text: string): number => Math.min(8, text.match(/[aeiou]/g)?.length ?? 0);
/** Likes vowels, gives two points more to what stands first, and cannot be read where a text has a 7. */
const judge = useJudgeServer((question) => {
  const [a = '', b = ''] = question.split('|OR|');
  if (question.includes('7')) return 'Both are fine.';
  return `<score_a>${vowels(a) + 2}</score_a><score_b>${vowels(b)}</score_b>`;
});

const sampling = { maxNewTokens: 24 };
async function stage(name: string, more: object = {}, judgeMore: object = {}): Promise<StageToRun> {
  const pairs = {
    judge: {
      endpoint: { url: judge().url, model: 'vowels' },
      scope: 'response',
      rubric: '{{ response_a }}|OR|{{ response_b }}',
      ...judgeMore,
    },
    lengthRatio: 1.5,
    heldOut: 0.3,
  };
  const sample = { prompts: ['mixture'], limit: 100, perPrompt: 6, keep: [], keepPerPrompt: 2, sampling, pairs };
  const inputs = { base: await pin(root(), 'base') };
  const model = { input: inputs.base };
  return { name, stage: 'better', model, inputs, settings: { sample: { ...sample, ...more } } };
}

const rowsOf = async (name: string, file: string) =>
  (await lines(join(root(), name, 'data', file))).map((line) => JSON.parse(line) as Row);
const digestOf = async (name: string) => (await readResult(root(), name)).checkpoint?.digest;

const prompts = (all: readonly Row[]) => new Set(all.map(({ messages }) => JSON.stringify(messages)));

test('a judge makes pairs of completions, and a reward model learns from them and is measured on those kept back', async () => {
  const { metrics } = await runToResult(root(), await stage('whole'));
  const [rows, heldOut] = [await rowsOf('whole', rowsName), await rowsOf('whole', heldOutRowsName)];
  expect(metrics).toMatchObject({
    'pairs/kept': rows.length + heldOut.length,
    'pairs/held_out': heldOut.length,
    'pairs/tokens': judge().asked.length * 7,
    kept: 2 * (rows.length + heldOut.length),
  });
  for (const { chosen = '', rejected = '', completion } of [...rows, ...heldOut]) {
    expect(vowels(chosen) - vowels(rejected)).toBeGreaterThan(1); // the margin
    expect(`${chosen}${rejected}`).not.toContain('7');
    expect(completion).toBeUndefined();
  }
  const manifest = rowManifest.parse(JSON.parse(await readFile(join(root(), 'whole/data', rowManifestName), 'utf8')));
  expect(manifest.files.map(({ path, rows: count }) => [path, count])).toEqual([
    [rowsName, rows.length],
    [heldOutRowsName, heldOut.length],
  ]);
  expect([...rows, ...heldOut].map((row) => faultOfOrigin(row, manifest)).filter(Boolean)).toEqual([]);
  expect(prompts(rows).isDisjointFrom(prompts(heldOut))).toBe(true);
  for (const name of ['pairs/draws', 'pairs/unjudged', 'pairs/unparsable_frac', 'pairs/chosen_longer_frac']) {
    expect(metrics[name]).toBeGreaterThan(0);
  }
  const known = resultMetrics(stageSettings.parse((await stage('whole')).settings), undefined);
  expect(Object.keys(metrics).filter((name) => !known.includes(name))).toEqual([]);
  const counts = JSON.parse(await readFile(join(root(), 'whole/data/funnel.json'), 'utf8')) as {
    sampled: number;
    kept: number;
    dropped: Record<string, number>;
  };
  const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
  expect(counts.kept + dropped).toBe(counts.sampled);
  expect(counts.dropped['unjudged']).toBe(2 * (metrics['pairs/unjudged'] as number));

  const scores = await runToResult(root(), {
    name: 'scores',
    model: { input: await pin(root(), 'base') },
    inputs: { better: await pin(root(), 'whole') },
    settings: { rewardModel: { pairs: ['better'], batch: 8, epochs: 2 } },
  });
  expect(scores.metrics).toMatchObject({
    'data/rows': rows.length,
    'data/heldOut/rows': heldOut.length,
    'eval/pair_accuracy': expect.any(Number),
    'eval/longer_preferred_frac': expect.any(Number),
  });
});

test('a stage that was killed in the middle ends in the same pairs, and asks nothing again that was answered', async () => {
  const whole = [...judge().asked];
  const before = whole.length;
  const path = await writeStage(root(), await stage('killed'));
  const secondChunk = { file: join(root(), 'killed/chunks-*/000001.json') };
  expect((await runStage(path, secondChunk)).signal).toBe('SIGKILL');
  const inTheMiddle = judge().asked.length;
  expect(inTheMiddle).toBeGreaterThan(before);
  expect(await startStage(path).ended).toMatchObject({ code: 0, stderr: '' });
  expect(judge().asked.length).toBeGreaterThan(inTheMiddle);
  expect(new Set(judge().asked.slice(before))).toEqual(new Set(whole));
  expect(judge().asked.length - 2 * before).toBeLessThanOrEqual(8); // on their way when it was killed
  expect(await digestOf('killed')).toBe(await digestOf('whole'));
  expect(await logOf(join(root(), 'killed'), 'metrics.jsonl')).toEqual(
    await logOf(join(root(), 'whole'), 'metrics.jsonl'),
  );
  expect(await lines(join(root(), 'killed', judgeVerdictsName))).toHaveLength(before);
});

test.each([
  {
    name: 'a model that gives no verdicts',
    given: () => stage('silent', { limit: 8 }, { endpoint: undefined, from: 'base', sampling: { maxNewTokens: 4 } }),
    message:
      /stage better: no pair came of 8 prompts: \d+ completions .* and of \d+ the judge said nothing that can be/,
  },
  {
    name: 'a rubric that shows only one response',
    given: () => stage('rubric', {}, { rubric: '{{ response_a }}' }),
    message: /judge.rubric: does not show the judge what it is to judge; expected response_a and response_b in it/,
  },
])('$name ends the stage with a message', async ({ given, message }) => {
  const ended = await runStage(await writeStage(root(), await given()));
  expect([ended.code, ended.stderr]).toEqual([64, expect.stringMatching(message)]);
});
