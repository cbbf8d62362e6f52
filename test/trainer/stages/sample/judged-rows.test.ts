import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { judgeVerdictsName, rowsName } from '../../../../trainer/contract/files/checkpoint.ts';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { resultMetrics } from '../../../../trainer/contract/settings/result-metrics.ts';
import { rowManifest, rowManifestName } from '../../../../trainer/contract/settings/row-origin.ts';
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

const vowels = (text: string): number => Math.min(10, text.match(/[aeiou]/g)?.length ?? 0);
/** Likes vowels, and cannot be read where a text has a 7. */
const judge = useJudgeServer((text) => (text.includes('7') ? 'It is fine.' : `<score>${vowels(text)}</score>`));

async function stage(name: string, judgeMore: object = {}, more: object = {}): Promise<StageToRun> {
  const inputs = { base: await pin(root(), 'base') };
  const sample = {
    prompts: ['mixture'],
    limit: 100,
    perPrompt: 6,
    keep: ['notOverlong'],
    rank: ['judge', 'shortest'],
    keepPerPrompt: 2,
    sampling: { maxNewTokens: 24 },
    judge: {
      endpoint: { url: judge().url, model: 'vowels' },
      scope: 'response',
      rubric: '{{ response }}',
      atLeast: 0.3,
      ...judgeMore,
    },
    ...more,
  };
  return { name, stage: 'liked', model: { input: inputs.base }, inputs, settings: { sample } };
}

const keptBy = async (name: string) => {
  const data = join(root(), name, 'data');
  const rows = (await lines(join(data, rowsName))).map((line) => JSON.parse(line) as Row);
  const manifest = rowManifest.parse(JSON.parse(await readFile(join(data, rowManifestName), 'utf8')));
  const funnel = JSON.parse(await readFile(join(data, 'funnel.json'), 'utf8')) as {
    sampled: number;
    kept: number;
    dropped: Record<string, number>;
  };
  return { rows, manifest, funnel };
};
const digestOf = async (name: string) => (await readResult(root(), name)).checkpoint?.digest;

test('a judge reads what the rules let through, drops and counts what it finds too bad, and ranks the rest', async () => {
  const { metrics } = await runToResult(root(), await stage('whole'));
  const { rows, manifest, funnel } = await keptBy('whole');
  const { dropped } = funnel;
  expect(funnel.kept + Object.values(dropped).reduce((sum, count) => sum + count, 0)).toBe(funnel.sampled);
  const judged = funnel.sampled - (dropped['notOverlong'] ?? 0) - (dropped['duplicate'] ?? 0);
  expect(metrics).toMatchObject({
    'judge/asked': judged,
    'judge/too_low': dropped['tooLow'],
    'judge/unjudged': dropped['unjudged'],
    'judge/passed': rows.length + (dropped['outranked'] ?? 0),
    'judge/tokens': 7 * judged,
  });
  for (const cause of ['notOverlong', 'tooLow', 'unjudged', 'outranked']) expect(dropped[cause]).toBeGreaterThan(0);
  expect(metrics['judge/unparsable_frac']).toBeCloseTo((dropped['unjudged'] ?? 0) / judged, 12);

  for (const { completion = '', origin } of rows) {
    expect(completion).not.toContain('7'); // no verdict is no score
    expect(origin?.judge?.score).toBe(vowels(completion) / 10);
    expect(vowels(completion)).toBeGreaterThanOrEqual(3);
  }
  for (const ofPrompt of Map.groupBy(rows, ({ origin }) => origin?.prompt).values()) {
    const scores = ofPrompt.map(({ origin }) => origin?.judge?.score ?? 0);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  }
  expect(rows.map((row) => faultOfOrigin(row, manifest)).filter(Boolean)).toEqual([]);
  const [row] = rows as [Row];
  const better = { ...row, origin: { ...row.origin, judge: { ...row.origin?.judge, score: 0.1 } } } as Row;
  expect(faultOfOrigin(better, manifest)).toBe('origin.judge.score: found 0.1, expected 0.3 or more');
  const known = resultMetrics(stageSettings.parse((await stage('whole')).settings), undefined);
  expect(Object.keys(metrics).filter((name) => !known.includes(name))).toEqual([]);
});

test('a stage that was killed in the middle keeps the same rows, and asks nothing again that was answered', async () => {
  const before = judge().asked.length;
  const path = await writeStage(root(), await stage('killed'));
  const secondChunk = { file: join(root(), 'killed/chunks-*/000001.json') };
  expect((await runStage(path, secondChunk)).signal).toBe('SIGKILL');
  expect(await startStage(path).ended).toMatchObject({ code: 0, stderr: '' });
  expect(judge().asked.length - 2 * before).toBeLessThanOrEqual(8); // on their way when it was killed
  expect(await digestOf('killed')).toBe(await digestOf('whole'));
  expect(await logOf(join(root(), 'killed'), 'metrics.jsonl')).toEqual(
    await logOf(join(root(), 'whole'), 'metrics.jsonl'),
  );
});

test('rows of domains that the judge is not asked of pass unjudged, as a model of the pipeline that says nothing drops all others', async () => {
  const silent = { endpoint: undefined, from: 'base', sampling: { maxNewTokens: 2 } };
  const { metrics } = await runToResult(
    root(),
    await stage('others', { ...silent, domains: ['general'] }, { limit: 4 }),
  );
  expect(metrics).toMatchObject({ 'judge/asked': 0, 'judge/unparsable_frac': 0 });
  const { rows, manifest } = await keptBy('others');
  expect(rows.map((row) => [row.origin?.judge, faultOfOrigin(row, manifest)])).toEqual(
    rows.map(() => [undefined, undefined]),
  );
  const { digest } = await pin(root(), 'base');
  expect(manifest.filters.at(-1)).toMatchObject({ name: 'judge', settings: { from: 'base', model: digest } });

  const { code, stderr } = await runStage(await writeStage(root(), await stage('silent', silent, { limit: 4 })));
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(
      /no completion of 4 prompts was kept: the judge found 0 too bad \(judge.atLeast\), and of \d+ it/,
    ),
  ]);
});

test('a stage whose budget is spent says so, and without a server its verdicts give the same rows', async () => {
  const poor = await stage('poor', { endpoint: { url: judge().url, model: 'vowels', budgetTokens: 21 } });
  const ended = await runStage(await writeStage(root(), poor));
  expect([ended.code, ended.stderr]).toEqual([64, expect.stringContaining('judge.endpoint.budgetTokens: ')]);

  const before = judge().asked.length;
  const path = await writeStage(root(), await stage('offline'));
  await mkdir(join(root(), 'offline'), { recursive: true });
  await cp(join(root(), 'whole', judgeVerdictsName), join(root(), 'offline', judgeVerdictsName));
  judge().stop();
  expect(await startStage(path).ended).toMatchObject({ code: 0 });
  expect(judge().asked.length).toBe(before);
  expect(await digestOf('offline')).toBe(await digestOf('whole'));
});
