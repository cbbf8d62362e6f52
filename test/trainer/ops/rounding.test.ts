import { expect, test } from '@jest/globals';
import { pullback } from '../../../trainer/autodiff/reverse.ts';
import { input, type Value } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { rounded as roundedValue } from '../../../trainer/ops/rounding.ts';
import { rounded } from '../../support/bfloat16.ts';
import { random, runOn } from '../../support/kernel-and-body.ts';
import { runtimes } from '../../support/with-ops.ts';

test.each(runtimes)(
  'on %s numbers are rounded to bfloat16, and their cotangent is that of the result',
  async (name) => {
    const [x, g] = [input('x', ['m', 5]), input('g', ['m', 5])];
    const y = roundedValue(x);
    const [dx] = pullback(new Map([[y, g]]), [x]) as [Value];
    const inputs = { x: random([7, 5], 1), g: random([7, 5], 2) };
    const found = await runOn(name, writeProgram([x, g], { y, dx }), inputs);
    expect(found['y']?.data).toEqual(rounded(inputs.x.data));
    expect(found['dx']?.data).toEqual(inputs.g.data);
  },
);
