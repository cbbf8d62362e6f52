import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { publishLink, sha256 } from '../support/chain.ts';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const directory = useSharedDirectory();
const rows = '{"prompt":"1+1"}\n';
let sft: { digest: string };
beforeAll(async () => {
  const volume = join(directory(), 'volume');
  const base = await publishLink(volume, { stage: 'base' });
  sft = await publishLink(volume, {
    stage: 'sft',
    from: { stage: 'base', digest: base.digest },
    datasets: [
      { name: 'sums', file: sha256(rows) },
      { name: 'gone', file: sha256('gone') },
    ],
  });
  await mkdir(join(directory(), 'data'));
  await writeFile(join(directory(), 'data/moved.jsonl'), rows);
});

test('shows a whole chain, and which data it could compare', async () => {
  const { code, stdout, stderr } = await verify('volume', '--materials', 'data', '--digest', sft.digest);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^base +3 +[0-9a-f]{12} +– +2$/m);
  expect(stdout).toMatch(/^sft +3 +[0-9a-f]{12} +base +2$/m);
  expect(stdout).toMatch(/^dataset sums: data\/moved\.jsonl$/m);
  expect(stdout).toContain(`dataset gone: not compared, SHA-256 ${sha256('gone')}\n`);
  expect(stdout).toMatch(/^verified: 2 checkpoints, 4 files, \d+ bytes$/m);
});

test('is the same for machines', async () => {
  const { stdout } = await verify('volume', '-o', 'json');
  expect(JSON.parse(stdout)).toMatchObject({
    verified: true,
    faults: [],
    checkpoints: [
      { stage: 'base', seed: 7 },
      { stage: 'sft', digest: sft.digest, datasets: [{ name: 'sums', file: sha256(rows) }, {}] },
    ],
    materials: [{ name: 'dataset sums', sha256: sha256(rows) }, { name: 'dataset gone' }],
  });
});

test('prints a statement of provenance for each checkpoint', async () => {
  const { code, stdout } = await verify('volume', '-o', 'in-toto');
  const statements = stdout.trimEnd().split('\n');
  expect(code).toBe(0);
  expect(statements.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { predicateType: 'https://slsa.dev/provenance/v1' },
    { subject: [{ digest: { sha256: sft.digest } }, {}, {}] },
  ]);
});

test('exits with 4 and names every file that was changed', async () => {
  await cp(join(directory(), 'volume'), join(directory(), 'changed'), { recursive: true });
  for (const stage of ['base', 'sft']) {
    await writeFile(join(directory(), `changed/${stage}/step-000003/model.safetensors`), 'other');
  }
  const { code, stdout, stderr } = await verify('changed');
  expect(code).toBe(4);
  expect(stderr.split('\n')).toEqual([
    'changed/base/step-000003/model.safetensors: has 5 bytes; its manifest says 4',
    'changed/sft/step-000003/model.safetensors: has 5 bytes; its manifest says 3',
    '',
  ]);
  expect(stdout).toMatch(/^2 faults$/m);
  expect((await verify('changed', '-o', 'in-toto')).stdout).toBe('');
});

test('exits with 4 and names the rows that are not what their manifest says', async () => {
  const files = [{ path: 'rows.jsonl', rows: 2, bytes: 0, sha256: 'a'.repeat(64) }];
  const manifest = { version: 1, stage: 's', seed: 7, model: 'a'.repeat(64), datasets: {}, filters: [], files };
  const row = { id: 'sums/1/0', dataset: 'sums', domain: 'general', messages: [], completion: 'x' };
  await publishLink(join(directory(), 'rows'), {
    stage: 'samples',
    files: { 'manifest.json': JSON.stringify(manifest), 'rows.jsonl': `${JSON.stringify(row)}\n` },
  });
  const { code, stderr } = await verify('rows');
  expect(code).toBe(4);
  expect(stderr).toContain('rows.jsonl: row 1: origin: found none, expected one');
  expect(stderr).toContain('rows.jsonl: found 1 rows, expected 2');
});

test('exits with 4 if the checkpoint that is asked for is another one', async () => {
  const { code, stderr } = await verify('volume', '--digest', 'a'.repeat(64));
  expect([code, stderr]).toEqual([4, `found no checkpoint with digest ${'a'.repeat(64)}, which is asked for\n`]);
});

test.each([
  { args: ['nowhere'], says: 'pipeline "nowhere" not found in .r1' },
  { args: ['data'], says: 'data: found no checkpoint.json below it' },
  { args: ['volume', '--materials', 'nothing'], says: 'nothing: found no such file, expected a file or directory' },
  { args: ['volume', '--digest', 'A'], says: 'expected 64 hexadecimal digits in lower case' },
])('$args is a user error', async ({ args, says }) => {
  const { code, stderr } = await verify(...args);
  expect([code, stderr]).toEqual([64, expect.stringContaining(says)]);
});

function verify(...args: string[]) {
  return r1(['verify', ...args], { cwd: directory() });
}
