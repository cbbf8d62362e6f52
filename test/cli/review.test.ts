import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

/** What people decide on is whatever a model without training has written. */
const manifest = `apiVersion: r1.dev/v1alpha1
kind: R1Pipeline
metadata: {name: tiny}
spec:
  base: {init: {hiddenSize: 16, layers: 1, heads: 2, kvHeads: 1, maxLength: 64}}
  datasets:
    - {name: hello, generator: {task: greetings, rows: 8}}
    - {name: mixture, generator: {task: mixture, rows: 16}}
  stages:
    - {name: samples, sample: {prompts: [hello], limit: 4, perPrompt: 1, keep: [], sampling: {maxNewTokens: 4}}}
    - {name: people, review: {data: samples}}
    - {name: meanwhile, pretrain: {data: [mixture], steps: 1, batch: 2}}
`;

const directory = useSharedDirectory();

/** A run in a directory of its own, stopped when it waits for people and all else is done. */
async function stoppedWaiting(name: string): Promise<{ cwd: string; stopped: Awaited<ReturnType<typeof r1>> }> {
  const cwd = join(directory(), name);
  await mkdir(cwd);
  await writeFile(join(cwd, 'tiny.yaml'), manifest);
  let asked = false;
  const stopped = await r1(['run', 'tiny.yaml'], {
    cwd,
    onStdout: (text, child) => {
      const isWaiting = /^people: \d of \d rows wait for a person: http/m.test(text);
      if (isWaiting && text.includes('meanwhile: succeeded') && !asked) {
        asked = true;
        child.kill('SIGINT');
      }
    },
  });
  return { cwd, stopped };
}

test('a run waits for people while other stages go on, is stopped, and goes on once they have decided', async () => {
  const { cwd, stopped } = await stoppedWaiting('decided');
  expect(stopped.stdout).toMatch(/^people: 4 of 4 rows wait for a person: http:\/\/127\.0\.0\.1:\d+\/#[-\w]{32}$/m);
  expect(stopped.code).toBe(130);

  const exported = await r1(['review', 'tiny/people', '--export', 'rows.jsonl'], { cwd });
  expect(exported).toMatchObject({ code: 0, stderr: '' });
  const rows = (await readFile(join(cwd, 'rows.jsonl'), 'utf8')).replaceAll('"decision":null', '"decision":"accept"');
  await writeFile(join(cwd, 'rows.jsonl'), rows.replace('accept', 'reject'));

  let shown: Promise<string[]> | undefined;
  const done = await r1(['run', 'tiny.yaml'], {
    cwd,
    onStdout: (text) => {
      if (text.includes('rows wait for a person: http')) shown ??= lookAndImport(cwd);
    },
  });
  expect(done).toMatchObject({ code: 0, stderr: '' });
  const [pipelines, stages, imported] = (await shown) ?? [];
  expect(pipelines).toMatch(/^tiny +Waiting for a person +people +2\/3 /m);
  expect(stages).toMatch(
    /^people +tiny +review +Waiting for a person +0\/4 .* 0 of 4 rows are decided \(r1 review tiny\/people;/m,
  );
  expect(imported).toBe('4 decisions imported; all rows are reviewed\n');
  expect(done.stdout).toMatch(/^people: succeeded after /m);
});

async function lookAndImport(cwd: string): Promise<string[]> {
  let said = '';
  const stages = async (): Promise<string> => (await r1(['get', 'stages', 'tiny'], { cwd })).stdout;
  for (let looks = 0; !said.includes('Waiting for a person') && looks < 20; looks++) said = await stages();
  const pipelines = (await r1(['get'], { cwd })).stdout;
  const imported = await r1(['review', 'tiny/people', '--import', 'rows.jsonl', '--reviewer', 'Ada'], { cwd });
  return [pipelines, said, imported.stdout + imported.stderr];
}

let waiting: ReturnType<typeof stoppedWaiting> | undefined;

test.each([
  { args: ['review', 'tiny/samples'], says: 'stage samples of tiny is no review' },
  { args: ['review', 'tiny/other'], says: 'pipeline tiny has no stage "other"' },
  { args: ['review', 'tiny'], says: 'tiny: expected PIPELINE/STAGE' },
  { args: ['review', 'tiny/people', '--import', 'none.jsonl'], says: 'none.jsonl: ENOENT' },
  { args: ['review', 'tiny/people', '--import', 'a', '--export', 'b'], says: 'expected at most one of the two' },
])('$args is refused in words', async ({ args, says }) => {
  const { cwd } = await (waiting ??= stoppedWaiting('refused'));
  const { code, stderr } = await r1(args, { cwd });
  expect(code).toBe(64);
  expect(stderr).toMatch(/^r1: [^\n]*\n$/);
  expect(stderr).toContain(says);
});
