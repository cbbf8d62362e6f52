import { expect, test } from '@jest/globals';
import { constant, input, integers } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { causalAttention } from '../../../trainer/nn/attention.ts';
import { mergeHeads, projectToHeads } from '../../../trainer/nn/heads.ts';
import { rotaryFrequencies } from '../../../trainer/nn/rotary.ts';
import { swiglu } from '../../../trainer/nn/swiglu.ts';
import { distribution, tokenProbability } from '../../../trainer/nn/token-probability.ts';
import { queriesToGrid, toGrid } from '../../../trainer/nn/token-grid.ts';
import { gatherRows } from '../../../trainer/ops/indexing.ts';
import { gradientErrors, samples } from '../../support/gradient-check.ts';
import { runProgram } from '../../support/run-program.ts';

const tokenGrid = {
  places: integers([0, 1, 2, 3, 0, 1, 4, 4]),
  origins: integers([0, 1, 2, 3, 6]),
  rows: 2,
  length: 4,
};
const targets = constant(BigInt64Array.of(4n, 0n, 2n, 0n), [4]);

test.each<[string, Parameters<typeof gradientErrors>[0]]>([
  [
    'projection to heads',
    {
      inputs: [
        [6, 4],
        [8, 4],
      ],
      build: (x, weight) => projectToHeads(x, weight, 2, 3, 4),
    },
  ],
  [
    'attention with grouped queries',
    {
      inputs: [
        [2, 4, 3, 2],
        [2, 2, 3, 2],
        [2, 2, 3, 2],
      ],
      build: causalAttention,
      place: (x) => 2 * x,
    },
  ],
  [
    'attention with one query head per key head',
    {
      inputs: [
        [1, 2, 4, 2],
        [1, 2, 4, 2],
        [1, 2, 4, 2],
      ],
      build: causalAttention,
      place: (x) => 2 * x,
    },
  ],
  [
    'SwiGLU',
    {
      inputs: [
        [3, 4],
        [3, 4],
        [5, 4],
        [5, 4],
        [4, 5],
      ],
      build: (h, x, gate, up, down) =>
        swiglu(h, x, { gate: { weight: gate }, up: { weight: up }, down: { weight: down } }),
    },
  ],
  [
    'SwiGLU with biases',
    {
      inputs: [[3, 4], [3, 4], [5, 4], [5, 4], [4, 5], [5], [5], [4]],
      build: (h, x, gate, up, down, gateBias, upBias, downBias) =>
        swiglu(h, x, {
          gate: { weight: gate, bias: gateBias },
          up: { weight: up, bias: upBias },
          down: { weight: down, bias: downBias },
        }),
    },
  ],
  [
    'keys on the grid, where two rows share two tokens',
    { inputs: [[5, 2, 1, 3]], build: (keys) => toGrid(keys, tokenGrid) },
  ],
  [
    'queries on the grid, of which the first cells are read',
    {
      inputs: [[5, 2, 1, 3]],
      build: (queries) => gatherRows(mergeHeads(queriesToGrid(queries, tokenGrid), 8), tokenGrid.origins),
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
])(
  'attention over $length positions, in however many blocks, is softmax(Q·Kᵀ ÷ √d)·V',
  async ({ length, heads, kvHeads }) => {
    const headDim = 4;
    const [q, k, v] = [heads, kvHeads, kvHeads].map((count, index) => input(`x${index}`, [1, count, length, headDim]));
    if (!q || !k || !v) throw new Error('unreachable');
    const data = [heads, kvHeads, kvHeads].map((count, index) => samples(count * length * headDim, index));
    const { y } = await runProgram(writeProgram([q, k, v], { y: causalAttention(q, k, v) }), {
      x0: data[0]!,
      x1: data[1]!,
      x2: data[2]!,
    });
    const expected = plainAttention(data as [Float32Array, Float32Array, Float32Array], {
      length,
      heads,
      kvHeads,
      headDim,
    });
    expect(Math.max(...expected.map((value, index) => Math.abs(value - y![index]!)))).toBeLessThan(1e-6);
  },
);

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
): number[] {
  const output = Array.from({ length: length * heads * headDim }, () => 0);
  for (let head = 0; head < heads; head++) {
    const kvHead = Math.floor((head * kvHeads) / heads);
    const at = (data: Float32Array, h: number, position: number, i: number): number =>
      data[(h * length + position) * headDim + i]!;
    for (let query = 0; query < length; query++) {
      const weights = Array.from({ length: query + 1 }, (_, key) => {
        let score = 0;
        for (let i = 0; i < headDim; i++) score += at(q, head, query, i) * at(k, kvHead, key, i);
        return Math.exp(score / Math.sqrt(headDim));
      });
      const total = weights.reduce((a, b) => a + b);
      for (const [key, weight] of weights.entries()) {
        for (let i = 0; i < headDim; i++) {
          output[(query * heads + head) * headDim + i]! += (weight / total) * at(v, kvHead, key, i);
        }
      }
    }
  }
  return output;
}
