import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';
import { startTrainer, writeStage } from '../../support/trainer.ts';

const directory = useTemporaryDirectory();

test('what is measured once more computes where its stage does, or says why it cannot', async () => {
  const settings = { evaluate: { data: ['sums'], limit: 2, sampling: { maxNewTokens: 4 } } };
  const file = await writeStage(directory(), { name: 'measured', settings, device: 'cuda' });
  const env = { R1_CUDA_LIBRARIES: join(directory(), 'nowhere') };
  const { code, stderr } = await startTrainer(['evaluate-stage', '--stage', file], { env }).ended;
  expect(code).toBe(64);
  expect(stderr).toMatch(/device: cuda: found no .*; on a cluster the stage asks for nvidia\.com\/gpu/);
});
