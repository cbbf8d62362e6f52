import { expect, test } from '@jest/globals';
import { constant, input, integers, type Value } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { attention, type TokenPlaces } from '../../../trainer/nn/attention.ts';
import { rotatedHeads } from '../../../trainer/nn/rotated-heads.ts';
import { rotaryFrequencies, rotaryTables } from '../../../trainer/nn/rotary.ts';
import { lowRank } from '../../../trainer/nn/lora.ts';
import { swiglu } from '../../../trainer/nn/swiglu.ts';
import { distribution, tokenProbability } from '../../../trainer/nn/token-probability.ts';
import { gemm } from '../../../trainer/ops/linalg.ts';
import { gradientErrors, samples } from '../../support/gradient-check.ts';
import { runProgram } from '../../support/run-program.ts';

/** Of one sequence of n tokens. */
function alone(n: number): TokenPlaces {
  const cells = Array.from({ length: n }, (_, cell) => cell);
  return { places: constant(BigInt64Array.from(cells, BigInt), [1, n]), origins: integers(cells) };
}

/** Two sequences that share two tokens, the second one padded. */
const sharing: TokenPlaces = {
  places: constant(BigInt64Array.of(0n, 1n, 2n, 3n, 0n, 1n, 4n, 4n), [2, 4]),
  origins: integers([0, 1, 2, 3, 6]),
};
const positions = constant(BigInt64Array.of(3n, 1n), [2, 1]);
const tables = rotaryTables({ headDim: 6, theta: 100 }, 4);
const targets = constant(BigInt64Array.of(4n, 0n, 2n, 0n), [4]);

test.each<[string, Parameters<typeof gradientErrors>[0]]>([
  [
    'attention with grouped queries',
    {
      inputs: [
        [3, 4, 2],
        [3, 2, 2],
        [3, 2, 2],
      ],
      build: (q, k, v) => attention(q, k, v, alone(3)).out,
      place: (x) => 2 * x,
    },
  ],
  [
    'attention with one query head per key head',
    {
      inputs: [
        [4, 2, 2],
        [4, 2, 2],
        [4, 2, 2],
      ],
      build: (q, k, v) => attention(q, k, v, alone(4)).out,
      place: (x) => 2 * x,
    },
  ],
  [
    'attention of two sequences that share tokens',
    {
      inputs: [
        [5, 4, 2],
        [5, 2, 2],
        [5, 2, 2],
      ],
      build: (q, k, v) => attention(q, k, v, sharing).out,
      place: (x) => 2 * x,
    },
  ],
  [
    'SwiGLU',
    {
      inputs: [
        [3, 5],
        [3, 5],
      ],
      build: swiglu,
    },
  ],
  [
    'rotated heads',
    {
      inputs: [[2, 18]],
      build: (x) => rotatedHeads(x, positions, tables),
    },
  ],
  [
    'rotated heads after QK-norm',
    {
      inputs: [[2, 18], [6]],
      build: (x, weight) => rotatedHeads(x, positions, tables, { weight, epsilon: 1e-6 }),
    },
  ],
  [
    'a linear map with what an adapter adds',
    {
      inputs: [
        [3, 4],
        [5, 4],
        [2, 4],
        [5, 2],
        [3, 5],
      ],
      build: (x, weight, a, b, c) => lowRank(x, { a, b, scale: 1.5 }, gemm(x, weight, { transB: true, c })),
    },
  ],
  [
    'token probability',
    {
      inputs: [
        [4, 3],
        [5, 3],
      ],
      build: (h, table) => tokenProbability(h, table, targets).prob,
    },
  ],
  [
    'token log-probability',
    {
      inputs: [
        [4, 3],
        [5, 3],
      ],
      build: (h, table) => tokenProbability(h, table, targets).logProb,
    },
  ],
])('the gradient of %s agrees with finite differences', async (_, given) => {
  expect(Math.max(...(await gradientErrors(given)))).toBeLessThan(1e-3);
});

test.each([
  { length: 6, heads: 4, kvHeads: 2 },
  { length: 66, heads: 2, kvHeads: 2 },
  { length: 128, heads: 4, kvHeads: 1 },
])('attention over $length positions is softmax(Q·Kᵀ ÷ √d)·V', async ({ length, heads, kvHeads }) => {
  const headDim = 4;
  const [q, k, v] = [heads, kvHeads, kvHeads].map((count, index) => input(`x${index}`, [length, count, headDim])) as [
    Value,
    Value,
    Value,
  ];
  const { out, lse } = attention(q, k, v, alone(length));
  const data = [heads, kvHeads, kvHeads].map((count, index) => samples(count * length * headDim, index));
  const results = await runProgram(writeProgram([q, k, v], { out, lse }), {
    x0: data[0]!,
    x1: data[1]!,
    x2: data[2]!,
  });
  const sizes = { length, heads, kvHeads, headDim };
  const expected = plainAttention(data as [Float32Array, Float32Array, Float32Array], sizes);
  expect(Math.max(...expected.out.map((value, index) => Math.abs(value - results['out']![index]!)))).toBeLessThan(1e-6);
  expect(Math.max(...expected.lse.map((value, index) => Math.abs(value - results['lse']![index]!)))).toBeLessThan(1e-6);
});

test('a token whose probability underflows still has a finite logarithm', async () => {
  const [hidden, table] = [input('hidden', [2, 1]), input('table', [2, 1])];
  const { prob, logProb, top } = tokenProbability(hidden, table, constant(BigInt64Array.of(0n, 1n), [2]));
  const results = await runProgram(writeProgram([hidden, table], { prob, logProb, top }), {
    hidden: [1, 1],
    table: [-200, 200],
  });
  expect([...results['prob']!, ...results['top']!]).toEqual([0, 1, 1, 1]);
  expect(results['logProb']![0]).toBeCloseTo(-87.3, 1);
});

test('the largest probability belongs to the row, whatever the target is', async () => {
  const [hidden, table] = [input('hidden', [4, 3]), input('table', [5, 3])];
  const { top } = tokenProbability(hidden, table, targets);
  const feeds = { hidden: samples(12, 1), table: samples(15, 2) };
  const results = await runProgram(writeProgram([hidden, table], { top, p: distribution(hidden, table) }), feeds);
  const rows = [0, 1, 2, 3].map((row) => Math.max(...results['p']!.subarray(row * 5, row * 5 + 5)));
  expect([...results['top']!]).toEqual(rows);
});

test('Llama 3 keeps fast frequencies, divides slow ones, and blends between', () => {
  const scaling = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalMaxLength: 8192 };
  const frequencies = rotaryFrequencies({ headDim: 16, theta: 500_000, scaling });
  // ROPE_INIT_FUNCTIONS['llama3'] of transformers 5.23.0 with these settings
  const golden = [
    1, 0.193922758102417, 0.03760603070259094, 0.00729266507551074, 0.0005248460220173001, 3.428102354519069e-5,
    6.647869668086059e-6, 1.289173155782919e-6,
  ];
  expect(Math.max(...golden.map((value, index) => Math.abs(frequencies[index]! / value - 1)))).toBeLessThan(1e-6);
});

function plainAttention(
  [q, k, v]: [Float32Array, Float32Array, Float32Array],
  { length, heads, kvHeads, headDim }: { length: number; heads: number; kvHeads: number; headDim: number },
): { out: number[]; lse: number[] } {
  const out = Array.from({ length: length * heads * headDim }, () => 0);
  const lse: number[] = [];
  for (let query = 0; query < length; query++) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor((head * kvHeads) / heads);
      const weights = Array.from({ length: query + 1 }, (_, key) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) {
          score += q[(query * heads + head) * headDim + i]! * k[(key * kvHeads + kvHead) * headDim + i]!;
        }
        return Math.exp(score / Math.sqrt(headDim));
      });
      const total = weights.reduce((a, b) => a + b);
      lse.push(Math.log(total));
      for (const [key, weight] of weights.entries()) {
        for (let i = 0; i < headDim; i++) {
          out[(query * heads + head) * headDim + i]! += (weight / total) * v[(key * kvHeads + kvHead) * headDim + i]!;
        }
      }
    }
  }
  return { out, lse };
}
