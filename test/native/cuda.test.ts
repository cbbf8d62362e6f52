import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { opsPlatforms, platformName } from '../../trainer/runtime/ffi/ops-platform.ts';
import { askIn, copyTrainer } from '../support/copied-trainer.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

const compiler = process.env['CXX'] ?? 'c++';
const missing = ['make', compiler].filter((tool) => spawnSync(tool, ['--version']).status !== 0);

/** The program in native/cuda/test: float64 references, and the same bits in other orders of threads. */
testUnless(
  missing.length > 0 && `it takes ${missing.join(' and ')}`,
  'the kernels for CUDA do what they promise, run on the CPU',
  () => {
    const make = ['-s', '-C', 'native/cuda', 'test', `CXX=${compiler}`];
    const { status, stderr } = spawnSync('make', make, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  },
);

const ours = opsPlatforms.find(({ os, cpu }) => os === process.platform && cpu === process.arch);
const library = ours && join('native/build', platformName(ours), ours.library);
const overCuda = library?.replace('libr1ops', 'libr1ops-host');

testUnless(
  !(overCuda && existsSync(overCuda)) && 'it takes npm run build:native -- all',
  'the library of ops over the kernels for CUDA takes the place of the other one',
  async () => {
    const project = join(directory(), 'project');
    await mkdir(project);
    await copyTrainer(project);
    await mkdir(join(project, dirname(library as string)), { recursive: true });
    await cp(overCuda as string, join(project, library as string));
    const answer = askIn(
      project,
      `import { input } from './trainer/graph/value.ts';
      import { writeProgram } from './trainer/graph/writer.ts';
      import { linear } from './trainer/ops/linalg.ts';
      import { chooseRuntime, openRuntime } from './trainer/runtime/open-runtime.ts';
      import { floatTensor } from './trainer/runtime/tensor.ts';
      const [x, w] = [input('x', ['M', 2]), input('w', [2, 2])];
      const { ops, name } = chooseRuntime();
      const program = await (await openRuntime(name)).compile(writeProgram([x, w], { y: linear(x, w) }));
      const of = (...numbers) => floatTensor(Float32Array.from(numbers), [2, 2]);
      const { y } = await program.run({ x: of(1, 2, 3, 4), w: of(1, 0, 10, 1) });
      console.log(JSON.stringify({ ops, y: [...y.data] }));`,
    );
    expect(answer).toEqual({ ops: expect.stringMatching(/^[0-9a-f]{16} cuda-on-host$/), y: [1, 12, 3, 34] });
  },
);

function testUnless(reason: string | false, name: string, run: () => void | Promise<void>): void {
  // A build from nothing takes long on a busy machine.
  (reason ? test.skip : test)(reason ? `${name} (SKIPPED: ${reason})` : name, run, 900_000);
}
