import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { readModelDirectory } from '../../../../trainer/checkpoint/model-directory.ts';
import { parameterLayout } from '../../../../trainer/models/parameters.ts';
import { loadPolicy } from '../../../../trainer/stages/training/load-policy.ts';
import { ProgressReporter } from '../../../../trainer/stages/workspace/progress.ts';
import { readStageFile } from '../../../../trainer/stages/workspace/read-stage-file.ts';
import { openWorkspace } from '../../../../trainer/stages/workspace/workspace.ts';
import { useBaseStage } from '../../../support/base-stage.ts';
import { pin, runToResult, writeStage } from '../../../support/trainer.ts';
import { parametersOf, readFlat } from '../../../support/flat-parameters.ts';

const root = useBaseStage({ steps: 1, batch: 4 });

test('the weights to go on from are read once the model that the stage starts from is measured and gone', async () => {
  const base = await pin(root(), 'base');
  const stage = {
    name: 'stage',
    model: { input: base },
    settings: { sft: { data: ['mixture'], epochs: 1, batch: 100 } },
  };
  const { checkpoint } = await runToResult(root(), stage);
  const evaluation = { data: ['sums'], limit: 2, sampling: { maxNewTokens: 4 } };
  const file = await readStageFile(await writeStage(root(), { ...stage, evaluation }));

  // Weights that are put there while the start is measured are those that are found, unless others were read before.
  const source = join(base.path, 'model.safetensors');
  const measuring: string[] = [];
  const progress = new ProgressReporter((line) => {
    measuring.push(line);
    copyFileSync(source, join(checkpoint?.path ?? '', 'model.safetensors'));
  });
  const workspace = await openWorkspace(file, new AbortController().signal, progress);
  const { policy } = await loadPolicy(workspace, { trained: {} });
  try {
    expect(measuring).toEqual([expect.stringContaining('"phase":"evaluate"')]);
    const layout = parameterLayout(policy.config, 'lm');
    const expected = await readFlat(await readModelDirectory(base.path), layout);
    expect(Buffer.from((await parametersOf(policy.engine)).buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  } finally {
    await policy.close();
  }
});
