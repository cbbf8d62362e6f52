import { expect, test } from '@jest/globals';
import { philox } from '../../../trainer/algorithms/random.ts';
import { adamw } from '../../../trainer/optim/adamw.ts';
import { adamwProgram, adamwProgramSettings } from '../../../trainer/optim/adamw-program.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import type { RuntimeName } from '../../../trainer/runtime/runtime.ts';
import { floatTensor, type Tensors } from '../../../trainer/runtime/tensor.ts';
import { testWithOps } from '../../support/with-ops.ts';

const settings = { learningRate: 3e-3, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.1 } as const;
const count = 1003;

test.each(['stock', 'ffi'] as const)('the program has the bits of the loop on %s', hasTheBitsOfTheLoop);
testWithOps('the kernel has the bits of the loop', async () => hasTheBitsOfTheLoop('ops'));

async function hasTheBitsOfTheLoop(name: RuntimeName): Promise<void> {
  const runtime = await openRuntime(name);
  const executable = await runtime.compile(adamwProgram());
  const [expected, found] = [state(), state()];
  for (let step = 1; step <= 3; step++) {
    const decay = step !== 2;
    adamw(expected, { start: 0, end: count, decay }, settings, step, 0.7);
    const inputs = tensors(found);
    const { parameters, m, v } = inputs;
    const given = { type: 'float64', dims: [8], data: adamwProgramSettings(settings, step, 0.7, decay) } as const;
    const inPlace: Tensors = runtime.inPlace ? { 'next.parameters': parameters, 'next.m': m, 'next.v': v } : {};
    // oxlint-disable-next-line no-await-in-loop -- one step after the other
    const outputs = await executable.run({ ...inputs, settings: given }, inPlace);
    for (const key of ['parameters', 'm', 'v'] as const) {
      if (!runtime.inPlace) found[key].set(outputs[`next.${key}`]?.data as Float32Array);
    }
  }
  expect(found).toEqual(expected);
  await executable.release();
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
