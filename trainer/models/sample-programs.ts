import type { OnnxProgram } from '../graph/program.ts';
import { constant, integers, kernel, scalar, type Value } from '../graph/value.ts';
import { lessOrEqual, minimum, multiply, subtract, where } from '../ops/elementwise.ts';
import { gatherRows, pickColumns, scatterColumns, sortedRows } from '../ops/indexing.ts';
import { cast, reshape, slice } from '../ops/movement.ts';
import { argMax, cumulativeSum, reduceSum } from '../ops/reduction.ts';
import { ProgramInputs } from './program-inputs.ts';

/**
 * Draws tokens where their distributions lie: `prob` [B, V] and `rows` [N] int64, which of them to draw from → `token` [N] int32 and its
 * probability `chosen` [N], before anything is left out. Sums are in float64, so that the tokens are those of rollout/sampling.ts
 * but where a random number is within about 1e-14 of a border.
 *
 * - greedy: the first of the most likely tokens
 * - all: `u` [N] float64, uniform in [0, 1)
 * - nucleus: besides, `topK` [N] int64, V where all tokens are candidates, and then `topP` [N] float64 of what it left
 */
export type Drawing = 'greedy' | 'all' | 'nucleus';

export function sampleProgram(drawing: Drawing, vocabularySize: number): OnnxProgram {
  const inputs = new ProgramInputs();
  const all = inputs.add('prob', ['B', vocabularySize]);
  const rows = inputs.add('rows', ['N'], 'int64');
  const u = drawing === 'greedy' ? undefined : inputs.add('u', ['N'], 'float64');
  const candidates = drawing === 'nucleus' ? candidateInputs(inputs) : undefined;

  const prob = gatherRows(all, rows);
  const drawn = u ? inverseCdf(weights(prob, candidates), column(u)) : argMax(prob);
  const given = [all, rows, u, candidates?.topK, candidates?.topP];
  const [token, chosen] = kernel('Sample', given, [cast(drawn, 'int32'), pickColumns(prob, drawn)]);
  return inputs.write({ token: token as Value, chosen: chosen as Value });
}

interface Candidates {
  /** `[N]` int64 */
  readonly topK: Value;
  /** `[N]` float64 */
  readonly topP: Value;
}

function candidateInputs(inputs: ProgramInputs): Candidates {
  return { topK: inputs.add('topK', ['N'], 'int64'), topP: inputs.add('topP', ['N'], 'float64') };
}

function column(x: Value): Value {
  return reshape(x, ['N', 1]);
}

/** What a token is drawn by, `[N, V]` float64. */
function weights(prob: Value, of: Candidates | undefined): Value {
  if (of === undefined) return cast(prob, 'float64');
  const { values, places } = sortedRows(prob);
  const [, size] = prob.shape as [string, number];
  const ranks = constant(
    BigInt64Array.from({ length: size }, (_, rank) => BigInt(rank + 1)),
    [1, size],
  );
  const none = cast(scalar(0), 'float64');
  const candidates = where(lessOrEqual(ranks, column(of.topK)), cast(values, 'float64'), none);
  const wanted = multiply(column(of.topP), lastOf(cumulativeSum(candidates)));
  const before = cumulativeSum(candidates, { exclusive: true });
  return scatterColumns(where(lessOrEqual(wanted, before), none, candidates), places);
}

/** The first token at which the cumulative sum exceeds `u` of the total; the last one with a weight where u · total is rounded up to it. */
function inverseCdf(weight: Value, u: Value): Value {
  const cumulative = cumulativeSum(weight);
  const total = lastOf(cumulative);
  const [, size] = weight.shape as [string, number];
  const passed = count(lessOrEqual(cumulative, multiply(u, total)));
  const beforeEnd = subtract(integers([size]), count(lessOrEqual(total, cumulative)));
  return minimum(passed, beforeEnd);
}

/** The last element of each row, `[N, 1]`. */
function lastOf(a: Value): Value {
  const [, size] = a.shape as [string, number];
  return slice(a, 1, size - 1, size);
}

/** How many of each row hold, `[N]` int64. */
function count(condition: Value): Value {
  return reshape(reduceSum(cast(condition, 'int64'), [1]), ['N']);
}
