import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { opsPlatforms, platformName } from '../../trainer/runtime/ffi/ops-platform.ts';
import { askIn, copyTrainer } from '../support/copied-trainer.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

/*
 * A lane over the kernels for CUDA, run on the CPU, in a process that has loaded a library of attention: the one that stands in for cuDNN's in
 * native/cuda/test.
 */

const directory = useTemporaryDirectory();
const compiler = process.env['CXX'] ?? 'c++';
const platform = opsPlatforms.find(({ os, cpu }) => os === process.platform && cpu === process.arch);
const library = platform && join('native/build', platformName(platform), platform.library);
const overCuda = library?.replace('libr1ops', 'libr1ops-host');
const skipped =
  overCuda && existsSync(overCuda) && spawnSync(compiler, ['--version']).status === 0
    ? ''
    : ` (SKIPPED: it takes ${compiler} and npm run build:native -- all)`;

const script = `
  const { openKoffi } = await import('./trainer/runtime/ffi/open-koffi.ts');
  openKoffi().load(process.cwd() + '/libr1attention.so', { global: true });
  const { configFromInit } = await import('./trainer/models/config.ts');
  const { parameterLayout, trainedLayout } = await import('./trainer/models/parameters.ts');
  const { squareBlocks } = await import('./trainer/optim/clipping.ts');
  const { cutBatch } = await import('./trainer/engine/batches.ts');
  const { Lane } = await import('./trainer/engine/device/lane.ts');
  const { openDevice } = await import('./trainer/runtime/open-device.ts');

  const shape = { architecture: 'qwen3', hiddenSize: 32, intermediateSize: 48, layers: 2, heads: 4, kvHeads: 2, maxLength: 64, tokenizer: 'bytes' };
  const config = { ...configFromInit(shape, 50), precision: 'bf16' };
  const layout = parameterLayout(config, 'lm');
  const device = openDevice({ kind: 'host' }, 'ops');
  const ids = (count, seed) => Array.from({ length: count }, (_, at) => (seed * 7919 + at * 13) % 50);
  const batches = {
    sft: { loss: 'sft', sequences: [30, 7, 18].map((count) => ({ ids: ids(count, count), weights: ids(count - 1, 1).map(() => 0.02) })) },
    policy: {
      loss: 'policy', temperature: 1, settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
      sequences: [5, 9].map((count) => ({ promptIds: ids(4, 3), completionIds: ids(count, count), oldProbs: new Float32Array(count).fill(0.02), advantage: count - 7, weight: 0.1 })),
    },
  };

  const figures = async (attentionLibrary) => {
    const settings = {
      config, head: 'lm', optimizer: true, device: { kind: 'host' }, runtime: 'ops',
      blocks: squareBlocks(trainedLayout(layout).size), unwanted: new Int32Array(1), running: new Int32Array(1),
    };
    const { handlers } = new Lane(settings, { ...device, attentionLibrary }, () => undefined);
    await handlers.addSet({ set: 'policy', sharesFrozen: false });
    for (const tensor of layout.tensors) {
      const values = Float32Array.from({ length: tensor.size }, (_, at) => (tensor.shape.length > 1 ? (((at * 7919) % 101) / 101 - 0.5) * 0.6 : 1));
      await handlers.writeTensor({ set: 'policy', tensor, values });
    }
    const found = {};
    for (const [loss, batch] of Object.entries(batches)) {
      const results = await handlers.gradient({ leaves: [cutBatch(batch, config)] }, 0);
      const squares = await handlers.squares({});
      found[loss] = { loss: results.reduce((sum, each) => sum + each.loss, 0), squares: squares.reduce((sum, each) => sum + each, 0) };
    }
    return found;
  };
  const { attentionLibrary } = device;
  const byLibrary = await figures(attentionLibrary);
  console.log(JSON.stringify({ attentionLibrary, byLibrary, again: await figures(attentionLibrary), ours: await figures(undefined) }));`;

interface Answer {
  readonly attentionLibrary: string;
  readonly byLibrary: Figures;
  readonly again: Figures;
  readonly ours: Figures;
}
type Figures = Record<'sft' | 'policy', { readonly loss: number; readonly squares: number }>;

(skipped === '' ? test : test.skip)(
  `a library of attention that is there trains what was not sampled, and nothing else${skipped}`,
  async () => {
    const project = join(directory(), 'project');
    await mkdir(project);
    await copyTrainer(project);
    await mkdir(join(project, dirname(library as string)), { recursive: true });
    await cp(overCuda as string, join(project, library as string));
    const source = 'native/cuda/test/by-library/fake-attention.cc';
    const flags = ['-std=c++20', '-O2', '-shared', '-fPIC', '-Wl,-soname,libr1attention.so'];
    const { status, stderr } = spawnSync(compiler, [...flags, '-o', join(project, 'libr1attention.so'), source], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });

    const { attentionLibrary, byLibrary, again, ours } = askIn(project, script) as Answer;
    expect(attentionLibrary).toBe('fake1');
    expect(again).toEqual(byLibrary);
    expect(byLibrary.policy).toEqual(ours.policy);
    // Other bits, within the rounding of bfloat16.
    expect(byLibrary.sft).not.toEqual(ours.sft);
    expect(Math.abs(byLibrary.sft.loss / ours.sft.loss - 1)).toBeLessThan(0.01);
    expect(Math.abs(byLibrary.sft.squares / ours.sft.squares - 1)).toBeLessThan(0.05);
  },
  300_000,
);
