import { appendFile, mkdir, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { writeSafetensors } from '../../trainer/checkpoint/safetensors.ts';
import { publishCheckpoint } from '../../trainer/checkpoint/store.ts';
import { r1 } from '../support/cli.ts';
import { writePipelineState } from '../support/synthetic-run/write-pipeline-state.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const out = useSharedDirectory();
let checkpoint: { path: string; digest: string };
beforeAll(async () => {
  checkpoint = await publishCheckpoint(out(), {
    name: 'step-000003',
    step: 3,
    final: true,
    parent: { stage: 'pretrained', digest: 'a'.repeat(64) },
    settingsDigest: 'b'.repeat(64),
    engine: { 'onnxruntime-node': '1.30.0' },
    async write(directory) {
      await writeFile(join(directory, 'config.json'), '{"model_type": "qwen3"}');
      await writeSafetensors(join(directory, 'model.safetensors'), [
        { name: 'model.norm.weight', shape: [4], values: new Float32Array(4) },
        { name: 'model.embed_tokens.weight', shape: [3, 4], values: new Float32Array(12) },
      ]);
    },
  });
});

test('shows what a checkpoint holds and that it verifies', async () => {
  const { code, stdout } = await r1(['inspect', checkpoint.path]);
  expect(code).toBe(0);
  for (const fact of [
    /^Verification: +verified$/m,
    /^Step: +3 \(final\)$/m,
    new RegExp(`^Digest: +${checkpoint.digest}$`, 'm'),
    /^Parent: +pretrained a{64}$/m,
    /^Parameters: +16$/m,
    /^ {2}model_type: qwen3$/m,
    /^model\.embed_tokens\.weight +F32 +3 × 4$/m,
  ]) {
    expect(stdout).toMatch(fact);
  }
});

test('is the same for machines', async () => {
  const { stdout } = await r1(['inspect', checkpoint.path, '-o', 'json']);
  expect(JSON.parse(stdout)).toMatchObject({
    verification: 'verified',
    checkpoint: { step: 3, final: true, digest: checkpoint.digest, files: 2 },
    parameters: 16,
    tensors: { length: 2 },
  });
});

test('exits with 1 when the digest is another one', async () => {
  const { code, stdout } = await r1(['inspect', checkpoint.path, '--digest', 'c'.repeat(64)]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Verification: .* has digest [0-9a-f]{64}, but c{64} is pinned$/m);
});

test('exits with 1 and names the file that was changed', async () => {
  await appendFile(join(checkpoint.path, 'config.json'), ' ');
  const { code, stdout } = await r1(['inspect', checkpoint.path]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/^Verification: .*config\.json: has 24 bytes; its manifest says 23$/m);
});

test('shows what is left of a checkpoint whose weights were cut off', async () => {
  await truncate(join(checkpoint.path, 'model.safetensors'), 4);
  const { code, stdout, stderr } = await r1(['inspect', checkpoint.path]);
  expect([code, stderr]).toEqual([1, '']);
  expect(stdout).toMatch(/^Verification: .*: has \d+ bytes; its manifest says \d+$/m);
  expect(stdout).toMatch(/^Step: +3 \(final\)$/m);
  expect(stdout).not.toContain('TENSOR');
});

test.each([
  {
    argument: 'nowhere',
    says: 'found no such directory, expected the directory of a checkpoint or model, or PIPELINE/STAGE',
  },
  { argument: tmpdir(), says: 'holds neither checkpoint.json nor config.json' },
])('$argument is a user error', async ({ argument, says }) => {
  const { code, stderr } = await r1(['inspect', argument]);
  expect(code).toBe(64);
  expect(stderr).toContain(says);
});

test.each([
  {
    argument: 'r1-tiny',
    says: 'r1-tiny: found a pipeline, expected one of its stages: r1-tiny/pretrained, r1-tiny/r1-zero',
  },
  { argument: 'r1-tiny/nope', says: 'pipeline r1-tiny has no stage "nope"; known: pretrained, r1-zero' },
  { argument: 'r1-tiny/distilled', says: 'r1-tiny/distilled: stage distilled of r1-tiny has not begun yet' },
])('$argument names no checkpoint, and why is said', async ({ argument, says }) => {
  await writePipelineState(join(out(), 'tiny-state'), { finished: 2 });
  const { code, stderr } = await r1(['inspect', argument, '--state', 'tiny-state'], { cwd: out() });
  expect([code, stderr]).toEqual([64, expect.stringContaining(says)]);
});

test('a stage whose result was cut off is a user error that says which file', async () => {
  const volume = join(out(), 'state/tiny/volume/zero');
  await mkdir(join(volume, 'step-000003'), { recursive: true });
  await writeFile(join(volume, 'result.json'), '{"outcome": "succ');
  for (const command of [['inspect'], ['generate', '-p', 'Hi'], ['evaluate', '-d', 'rows.jsonl']]) {
    const { code, stderr } = await r1([...command, 'tiny/zero', '--state', 'state'], { cwd: out() });
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(/^r1: state\/tiny\/volume\/zero\/result\.json: found .*\n$/),
    ]);
  }
});

test('a broken config.json is a user error that says which file', async () => {
  await mkdir(join(out(), 'broken'));
  await writeFile(join(out(), 'broken/config.json'), '{"model_type"');
  const { code, stderr } = await r1(['inspect', 'broken'], { cwd: out() });
  expect([code, stderr]).toEqual([64, expect.stringMatching(/^r1: broken\/config\.json: .*\n$/)]);
});
