import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { writePipelineState } from '../support/synthetic-run/write-pipeline-state.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const state = useSharedDirectory();
beforeAll(async () => {
  await writePipelineState(state(), { finished: 5 });
});

test('prints the newest attempt with progress in words', async () => {
  const { code, stdout } = await r1(['logs', 'r1-tiny', 'r1-zero', '--state', state()]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^reading pretrained\n09:31:36 train 200\/200 {2}reward \d\.\d{3}/);
});

test('takes PIPELINE/STAGE in one word', async () => {
  const { stdout } = await r1(['logs', 'r1-tiny/r1-zero', '--state', state()]);
  expect(stdout).toMatch(/^reading pretrained\n/);
});

test('leaves progress lines as they are when asked to', async () => {
  const { stdout } = await r1(['logs', 'r1-tiny', 'r1-zero', '--raw', '--state', state()]);
  expect(JSON.parse(stdout.split('\n')[1] ?? '')).toMatchObject({ type: 'progress', step: 200 });
});

test.each([
  { args: ['logs', 'r1-tiny'], says: 'found r1-tiny and no stage, expected PIPELINE STAGE or PIPELINE/STAGE' },
  { args: ['logs', 'r1-tiny/nope'], says: 'has no stage "nope"; known: pretrained, r1-zero' },
  { args: ['logs', 'r1-tiny', 'nope'], says: 'has no stage "nope"; known: pretrained, r1-zero' },
  { args: ['logs', 'r1-tiny', 'distilled'], says: 'has no log yet' },
  { args: ['logs', 'r1-tiny', 'r1-zero', '--attempt', '7'], says: 'has no attempt 7' },
])('$args is a user error', async ({ args, says }) => {
  const { code, stderr } = await r1([...args, '--state', state()]);
  expect(code).toBe(64);
  expect(stderr).toContain(says);
});

test('follows over a retry until the stage has ended', async () => {
  const directory = join(state(), 'r1-tiny');
  const log = (attempt: number): string => join(directory, `logs/reasoning-rl.attempt-${attempt}.log`);
  let step = 0;
  const { code, stdout } = await r1(['logs', 'r1-tiny', 'reasoning-rl', '-f', '--state', state()], {
    onStdout(text) {
      if (step === 0 && text.includes('train 75/150')) {
        step = 1;
        void appendFile(log(1), 'half a li').then(() =>
          appendFile(log(1), 'ne\ncut').then(() => writeFile(log(2), 'again\n')),
        );
      } else if (step === 1 && text.includes('again')) {
        step = 2;
        void endStage(join(directory, 'stages/reasoning-rl.json'));
      }
    },
  });
  expect(code).toBe(0);
  expect(stdout.split('\n').slice(2)).toEqual(['half a line', 'cut', 'again', '']);
});

async function endStage(path: string): Promise<void> {
  const stage = JSON.parse(await readFile(path, 'utf8')) as { status: { conditions: { status: string }[] } };
  for (const condition of stage.status.conditions) condition.status = 'True';
  await writeFile(path, JSON.stringify(stage));
}
