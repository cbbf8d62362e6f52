import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import {
  beginningOf,
  pin,
  readResult,
  runStage,
  runToResult,
  type StageToRun,
  writeStage,
} from '../../support/trainer.ts';

const root = useTemporaryDirectory();
const file = () => join(root(), 'sums.jsonl');
const rows = (count: number): string =>
  Array.from({ length: count }, (_, at) => `{"prompt": "${at % 10}+1", "completion": "${(at % 10) + 1}"}\n`).join('');
beforeEach(() => writeFile(file(), rows(40)));

const stage = (name: string, more: object = {}): StageToRun => ({
  name,
  stage: 'warm-up',
  settings: { sft: { data: ['sums'], epochs: 2, batch: 8, checkpointEvery: 2 } },
  datasets: [{ name: 'sums', file: file() }],
  workers: 1,
  ...more,
});

test('an attempt that finds other rows than those of the saved steps says so, and goes on once they are back', async () => {
  const whole = (await runToResult(root(), stage('whole'))).checkpoint?.digest;
  const run = join(root(), '0badcafe');
  await mkdir(run);
  const attempt = (number: number) =>
    writeStage(
      run,
      stage(`attempt-${number}`, {
        attempt: number,
        takeOver: [1, 2].slice(0, number - 1).map((each) => join(run, `attempt-${each}`)),
      }),
    );
  const killed = await runStage(await attempt(1), { file: join(run, 'attempt-1/metrics.jsonl'), holds: '"step":7,' });
  expect(killed.signal).toBe('SIGKILL');

  await writeFile(file(), rows(41));
  const refused = await runStage(await attempt(2));
  expect(refused.code).toBe(64);
  expect(refused.stderr).toMatch(
    /dataset sums \(\S+sums\.jsonl\): found \d+ bytes \(sha256 \w{16}…\), expected \d+ bytes \(sha256 \w{16}…\), which 6 saved steps of stage warm-up were learned from: put the file back and try the stage again, run again from warm-up on \(r1 run FILE --rerun-from warm-up; on a cluster: r1 rerun test --from warm-up\), or name the new rows as another dataset/,
  );

  await writeFile(file(), rows(40));
  const third = await runStage(await attempt(3));
  expect(third).toMatchObject({ code: 0, stderr: '' });
  expect(beginningOf(third)).toMatchObject({ step: 6 });
  expect((await readResult(run, 'attempt-3')).checkpoint?.digest).toBe(whole);
});

test('other rows before anything was saved are rows like any', async () => {
  const path = await writeStage(root(), stage('young'));
  expect((await runStage(path, { file: join(root(), 'young/metrics.jsonl'), holds: '"step":1,' })).signal).toBe(
    'SIGKILL',
  );
  await writeFile(file(), rows(41));
  expect((await runStage(path)).code).toBe(0);
});

test('a stage that would learn from other rows than those before it, under the same name, is refused', async () => {
  await runToResult(root(), stage('warm-up'));
  const model = { input: await pin(root(), 'warm-up') };
  await runToResult(root(), stage('between', { stage: 'between', model }));
  await writeFile(file(), rows(41));
  const later = { stage: 'later', model: { input: await pin(root(), 'between') } };
  const refused = await runStage(await writeStage(root(), stage('later', later)));
  expect(refused.code).toBe(64);
  expect(refused.stderr).toContain('which stage warm-up learned from');
  expect(refused.stderr).toContain('run again from warm-up on');
  expect(await readdir(join(root(), 'later'))).toEqual(['result.json']);

  const other = {
    ...later,
    settings: { sft: { data: ['more'], epochs: 1, batch: 8 } },
    datasets: [{ name: 'more', file: file() }],
  };
  expect((await runStage(await writeStage(root(), stage('other', other)))).code).toBe(0);
});
