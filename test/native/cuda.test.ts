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

const overCudaIsMissing = !(overCuda && existsSync(overCuda)) && 'it takes npm run build:native -- all';

/** What a trainer says of itself whose library of ops is the one over the kernels for CUDA. */
async function askOverCuda(script: string): Promise<unknown> {
  const project = join(directory(), 'project');
  await mkdir(project);
  await copyTrainer(project);
  await mkdir(join(project, dirname(library as string)), { recursive: true });
  await cp(overCuda as string, join(project, library as string));
  return askIn(project, script);
}

testUnless(
  overCudaIsMissing,
  'the library of ops over the kernels for CUDA takes the place of the other one',
  async () => {
    const answer = await askOverCuda(
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

/** Programs of ops that a processor's library lacks, and what each gives with and without them. */
const programsOfDevices = `
  import { cacheWriteProgram, nextTokenProgram, probabilityProgram, sampleProgram } from './trainer/models/programs.ts';
  import { configFromInit } from './trainer/models/config.ts';
  import { adamwProgram } from './trainer/optim/adamw-program.ts';
  import { openRuntime } from './trainer/runtime/open-runtime.ts';

  let state = 1;
  const draw = () => (state = (state * 1664525 + 1013904223) % 4294967296) / 4294967296;
  const floats = (...dims) => tensor('float32', dims, draw);
  const tensor = (type, dims, of) => {
    const kinds = { float32: Float32Array, float64: Float64Array, bfloat16: Uint16Array };
    const count = dims.reduce((product, size) => product * size, 1);
    const values = Array.from({ length: count }, (_, at) => of(at));
    return { type, dims, data: type === 'int64' ? BigInt64Array.from(values, BigInt) : kinds[type].from(values) };
  };
  const integers = (...values) => tensor('int64', [values.length], (at) => values[at]);
  const config = (precision) => ({
    ...configFromInit({ architecture: 'llama', hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 2, kvHeads: 2, maxLength: 64, tokenizer: 'bytes' }, 300),
    precision,
  });
  const cache = (type) => ({ keys: tensor(type, [3 * 2 * 8 * 16], () => 0), values: tensor(type, [3 * 2 * 16, 8], () => 0) });
  const tokens = { k: floats(4, 2, 8), v: floats(4, 2, 8), block: integers(1, 1, 2, 2), offset: integers(0, 15, 3, 4) };
  const prob = tensor('float32', [3, 200], () => draw() ** 4);
  const drawn = { prob, rows: integers(2, 0, 0, 1) };
  const u = tensor('float64', [4], draw);
  const candidates = { topK: integers(200, 7, 200, 1), topP: tensor('float64', [4], (at) => [0.5, 1, 1, 0.9][at]) };
  const state5 = { parameters: floats(300), m: floats(300), v: floats(300), gradient: floats(300), factors: floats(9) };
  const head = { x: floats(5, 16), 'model.norm.weight': floats(16), 'model.embed_tokens.weight': floats(300, 16), 'lm_head.weight': floats(300, 16), inverseTemperature: tensor('float32', [1], () => 1) };
  const targets = integers(7, 299, 0, 7, 100);
  const cases = {
    'cache write': [cacheWriteProgram(config('f32')), { ...tokens, ...cache('float32') }],
    'cache write in bf16': [cacheWriteProgram(config('bf16')), { ...tokens, ...cache('bfloat16') }],
    greedy: [sampleProgram('greedy', 200), drawn],
    all: [sampleProgram('all', 200), { ...drawn, u }],
    nucleus: [sampleProgram('nucleus', 200), { ...drawn, u, ...candidates }],
    adamw: [adamwProgram(true), state5],
    probability: [probabilityProgram(config('f32')), { ...head, targets }],
    'next token': [nextTokenProgram(config('f32')), head],
  };
  const numbers = (outputs) => Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]);
  const results = {};
  for (const [name, [program, inputs]] of Object.entries(cases)) {
    for (const runtime of ['ops', 'ffi']) {
      const executable = await (await openRuntime(runtime)).compile(program);
      (results[name] ??= {})[runtime] = Object.fromEntries(numbers(await executable.run(inputs)));
    }
  }
  const beyond = await (await openRuntime('ops')).compile(cases.greedy[0]);
  const refused = await beyond.run({ ...drawn, rows: integers(1, 3) }).catch(({ message }) => message);
  console.log(JSON.stringify({ results, refused, picked: Array.from(targets.data, Number) }));`;

type Results = Record<string, Record<'ops' | 'ffi', Record<string, readonly number[]>>>;

testUnless(
  overCudaIsMissing,
  'ops that only a library for GPUs has do what the functions of their names do',
  async () => {
    const answer = await askOverCuda(programsOfDevices);
    const { results, refused, picked } = answer as { results: Results; refused: string; picked: readonly number[] };
    expect(refused).toContain('Sample: input rows: found 3, expected 0 to 2');
    const { probability, 'next token': next, ...exact } = results;
    for (const [name, { ops, ffi }] of Object.entries(exact)) expect({ [name]: ops }).toEqual({ [name]: ffi });
    for (const { ops, ffi } of [probability, next] as Results[string][]) {
      const [found, wanted] = [ops['prob'], ffi['prob']] as [readonly number[], readonly number[]];
      for (const [at, p] of wanted.entries()) expect(found[at] as number).toBeCloseTo(p, 6);
    }
    // What is sampled from is what is scored, to the bit.
    const sampled = picked.map((token, row) => next?.ops['prob']?.[300 * row + token]);
    expect(probability?.ops['prob']).toEqual(sampled);
  },
);

function testUnless(reason: string | false, name: string, run: () => void | Promise<void>): void {
  // A build from nothing takes long on a busy machine.
  (reason ? test.skip : test)(reason ? `${name} (SKIPPED: ${reason})` : name, run, 900_000);
}
