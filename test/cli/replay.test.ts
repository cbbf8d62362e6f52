import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { pin, runToResult, tinyDatasets } from '../support/trainer.ts';

/*
 * What stage pods leave on a volume, copied to a machine on which nothing lies where a pod had it: an own model, data with a file of
 * held-out rows, and a reward of one's own.
 */
const directory = useSharedDirectory();
const attempt = 'team/tiny/zero/cafecafe/attempt-1';
const row = (a: number, b: number): string => `${JSON.stringify({ prompt: `${a}+${b}`, answer: String(a + b) })}\n`;
const reward = 'export const grade = ({ completion }) => Math.min(1, completion.length / 20);\n';

beforeAll(async () => {
  const pods = join(directory(), 'pods');
  const files = join(pods, 'files');
  await mkdir(files, { recursive: true });
  await mkdir(join(pods, 'claim/team/tiny/zero/cafecafe'), { recursive: true });
  await writeFile(join(files, 'sums.jsonl'), [row(1, 2), row(2, 2), row(3, 4), row(5, 1)].join(''));
  await writeFile(join(files, 'held-out.jsonl'), row(4, 4));
  await writeFile(join(files, 'reward.ts'), reward);
  await runToResult(pods, { name: 'foreign', settings: { pretrain: { data: ['mixture'], steps: 2, batch: 4 } } });
  const sums = {
    name: 'sums',
    file: join(files, 'sums.jsonl'),
    heldOut: { file: join(files, 'held-out.jsonl') },
  };
  const grpo = {
    prompts: ['sums'],
    steps: 6,
    promptsPerStep: 2,
    group: 2,
    checkpointEvery: 2,
    sampling: { maxNewTokens: 8 },
    rewards: [{ format: {} }, { module: { file: join(files, 'reward.ts') } }],
  };
  await runToResult(pods, {
    name: `claim/${attempt}`,
    stage: 'zero',
    settings: { grpo },
    model: { path: (await pin(pods, 'foreign')).path },
    datasets: [sums, tinyDatasets[1] && { ...tinyDatasets[1], name: 'measured' }],
    evaluation: { data: ['sums', 'measured'], limit: 2, sampling: { maxNewTokens: 8 } },
  });
  await mkdir(join(directory(), 'materials/old'), { recursive: true });
  await rename(join(pods, 'claim'), join(directory(), 'volume'));
  await rename(join(pods, 'foreign/step-000002'), join(directory(), 'materials/old/model'));
  await rename(join(files, 'sums.jsonl'), join(directory(), 'materials/rows'));
  await rename(join(files, 'reward.ts'), join(directory(), 'materials/length.ts'));
  await rm(pods, { recursive: true });
});

test.each([
  { steps: '2', says: 'steps 5 to 6 of zero, from the state saved in step-000004' },
  { steps: '6', says: 'steps 1 to 6 of zero, from its inputs' },
])("what lies on a cluster's volume is computed again elsewhere: $says", async ({ steps, says }) => {
  const { code, stdout, stderr } = await verify('volume', '--replay', steps, '--materials', 'materials');
  expect(code).toBe(0);
  expect(stderr).toContain(`computing again: ${says}\n`); // and then, where there are none, that it runs without kernels
  expect(stderr).toContain(`computed again: ${says}: every file is the same, bit for bit\n`);
  expect(stdout).toMatch(/^verified: \d checkpoints/m);
});

test('what it was made from and is not there is named before any work', async () => {
  const { code, stderr } = await verify('volume', '--replay', '1', '--materials', 'materials/old');
  expect(code).toBe(64);
  expect(stderr).toMatch(
    /stage zero: found what it was made from neither with --materials nor where the stage had it: dataset sums \(.*\/pods\/files\/sums.jsonl, SHA-256 [0-9a-f]{64}\); grpo.rewards\[1\] \(.*reward.ts, SHA-256 [0-9a-f]{64}\)$/m,
  );
  expect(stderr).not.toContain('held-out');
});

test('what the stage was told is refused if it does not come to the digest in the chain', async () => {
  await changeTold('other', (told) => told.replace('"group":2', '"group":3'));
  const { code, stderr } = await verify('other', '--replay', '2', '--materials', 'materials');
  expect(code).toBe(64);
  expect(stderr).toMatch(
    /stage zero: its settings, with what its files hold, have the digest 1:[0-9a-f]{64}; expected 1:[0-9a-f]{64}/,
  );
});

test.each([
  {
    name: 'none',
    change: (path: string) => rm(path),
    says: 'found no such file, expected what the stage was told',
  },
  {
    name: 'a link',
    change: async (path: string) => {
      await rename(path, `${path}.moved`);
      await symlink(`${path}.moved`, path);
    },
    says: 'found no regular file, expected what the stage was told',
  },
  {
    name: 'no JSON',
    change: (path: string) => writeFile(path, 'seed: 7'),
    says: 'is not JSON',
  },
  {
    name: 'JSON of something else',
    change: (path: string) => writeFile(path, '{}'),
    says: 'expected a stage file of this version',
  },
])('says what lies in the place of what the stage was told: $name', async ({ name, change, says }) => {
  await cp(join(directory(), 'volume'), join(directory(), name), { recursive: true });
  await change(join(directory(), name, attempt, 'stage.json'));
  const { code, stderr } = await verify(name, '--replay', '1', '--materials', 'materials');
  expect([code, stderr]).toEqual([64, expect.stringContaining(`${name}/${attempt}/stage.json: `)]);
  expect(stderr).toContain(says);
});

async function changeTold(name: string, change: (told: string) => string): Promise<void> {
  await cp(join(directory(), 'volume'), join(directory(), name), { recursive: true });
  const path = join(directory(), name, attempt, 'stage.json');
  await writeFile(path, change(await readFile(path, 'utf8')));
}

function verify(...args: string[]) {
  return r1(['verify', ...args], { cwd: directory() });
}
