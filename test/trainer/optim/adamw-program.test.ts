import { expect, test } from '@jest/globals';
import { philox } from '../../../trainer/algorithms/random.ts';
import { adamw, adamwFactors } from '../../../trainer/optim/adamw.ts';
import { adamwProgram } from '../../../trainer/optim/adamw-program.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import type { RuntimeName } from '../../../trainer/runtime/runtime.ts';
import { floatTensor, type Tensors } from '../../../trainer/runtime/tensor.ts';
import { runtimes, testWithOps } from '../../support/with-ops.ts';

const settings = { learningRate: 3e-3, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 } as const;
const count = 1003;

test.each(runtimes)('the program does what the loop does, but for rounding, on %s', async (name) => {
  const [expected, found] = [state(), await updated(name)];
  for (const factors of updates) adamw(expected, { start: 0, end: count }, factors);
  for (const key of ['parameters', 'm', 'v'] as const) {
    const largest = expected[key].reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = expected[key].reduce((most, value, i) => Math.max(most, Math.abs(value - found[key][i]!)), 0);
    expect(worst / largest).toBeLessThan(2e-7);
  }
});

testWithOps('the kernel has the bits of the program', async () => {
  expect(await updated('ops')).toEqual(await updated('ffi'));
});

const updates = [1, 2, 3].map((step) => adamwFactors(settings, step, 0.7, step !== 2));

/** What the program makes of the state. */
async function updated(name: RuntimeName) {
  const runtime = await openRuntime(name);
  const executable = await runtime.compile(adamwProgram());
  const found = state();
  for (const factors of updates) {
    const inputs = tensors(found);
    const { parameters, m, v } = inputs;
    const inPlace: Tensors = runtime.inPlace ? { 'next.parameters': parameters, 'next.m': m, 'next.v': v } : {};
    // oxlint-disable-next-line no-await-in-loop -- one step after the other
    const outputs = await executable.run({ ...inputs, factors: floatTensor(factors, [factors.length]) }, inPlace);
    for (const key of ['parameters', 'm', 'v'] as const) {
      if (!runtime.inPlace) found[key].set(outputs[`next.${key}`]?.data as Float32Array);
    }
  }
  await executable.release();
  return found;
}

function tensors({ parameters, gradient, m, v }: ReturnType<typeof state>) {
  return { parameters: tensor(parameters), gradient: tensor(gradient), m: tensor(m), v: tensor(v) };
}

function tensor(values: Float32Array) {
  return floatTensor(values, [count]);
}

/** The same numbers at every call. */
function state() {
  const v = numbers(3, 0.1).map((value) => value * value);
  return { parameters: numbers(0, 1), gradient: numbers(1, 10), m: numbers(2, 0.1), v };
}

function numbers(word: number, scale: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => scale * (philox([i, word, 0, 0], [1, 2])[0] / 2 ** 31 - 1));
}
