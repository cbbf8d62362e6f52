import { expect, test } from '@jest/globals';
import { input } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { entropy } from '../../../trainer/nn/token-probability.ts';
import { gradientErrors } from '../../support/gradient-check.ts';
import { runProgram } from '../../support/run-program.ts';

test('the gradient of the entropy by hidden states and table is that of finite differences', async () => {
  const errors = await gradientErrors({
    inputs: [
      [5, 4],
      [7, 4],
    ],
    build: entropy,
  });
  for (const error of errors) expect(error).toBeLessThan(2e-3);
});

test('even odds have the entropy log V, and a certain token has 0', async () => {
  const [hidden, table] = [input('hidden', [2, 1]), input('table', [4, 1])];
  const program = writeProgram([hidden, table], { entropy: entropy(hidden, table) });
  const results = await runProgram(program, { hidden: [0, 1000], table: [1, 0, 0, 0] });
  expect(results['entropy']![0]).toBeCloseTo(Math.log(4), 6);
  expect(Math.abs(results['entropy']![1]!)).toBe(0);
});
