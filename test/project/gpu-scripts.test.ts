import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');

async function run(environment: object, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: '', ...environment };
  return (await promisify(execFile)(process.execPath, [...args], { cwd: root, env })).stdout;
}

/** A GPU of this machine is left alone. */
const noGpu = { R1_DEVICE: 'cuda', R1_CUDA_LIBRARIES: join(root, 'nowhere') };

test.each([['test/gpu/main.ts'], ['bench/main.ts', 'gpu']])(
  '%s %s says in words that there is no GPU, and is content',
  async (...args) => {
    expect(await run(noGpu, ...args)).toMatch(/^skipped: device: cuda: found no .*\n$/);
  },
);

test('what is to be shown on a GPU holds in the memory of a device that is none', async () => {
  const said = await run({ R1_DEVICE: 'host' }, 'test/gpu/compare-models.ts');
  const models = said
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(models).toHaveLength(4);
  for (const model of models) expect(model).toMatchObject({ sampledIsTrained: true, sameBitsAgain: true, failed: [] });
});

test('the benchmark of a GPU measures a step and a generation, and says which peers are not there', async () => {
  const said = await run(
    { R1_DEVICE: 'host' },
    'bench/main.ts',
    'gpu',
    '--shape',
    'tiny',
    '--python',
    '/nowhere/python',
  );
  const figures = { seconds: expect.any(Number), tokensPerSecond: expect.any(Number), borderBytes: expect.any(Number) };
  expect(JSON.parse(said)).toMatchObject({
    sides: [
      { name: 'r1', device: 'host, bf16', step: figures, generation: figures, mostBytes: expect.any(Number) },
      { name: 'r1, attention by our kernels', skipped: expect.stringContaining('found no libcudart.so') },
      { name: 'torch', skipped: 'found no /nowhere/python' },
      { name: 'vllm', skipped: 'found no /nowhere/python' },
    ],
  });
});
