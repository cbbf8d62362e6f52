import { gradients } from '../autodiff/reverse.ts';
import type { OnnxProgram } from '../graph/program.ts';
import type { Value } from '../graph/value.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import { pairwiseLoss } from '../losses/pairwise-loss.ts';
import { type PolicyInputs, policyLossGraph, settingInputs, tokenInputs } from '../losses/policy-loss.ts';
import { type TokenProbability, distribution, tokenProbability } from '../nn/token-probability.ts';
import { multiply } from '../ops/elementwise.ts';
import { gatherRows } from '../ops/indexing.ts';
import { gemm } from '../ops/linalg.ts';
import { reshape } from '../ops/movement.ts';
import type { ModelConfig } from './config.ts';
import { decoder, finalNorm, headTable, packedDecoder } from './decoder.ts';
import { type Grid, type ProgramBase, programBase, tokenList } from './program-inputs.ts';

export { type DecodePart, decodeBinding, decodePrograms } from './decode-programs.ts';

/** `sft`: weighted cross-entropy. `policy`: clipped ratio and KL. `pairwise`: Bradley–Terry on scores. */
export type Loss = 'sft' | 'policy' | 'pairwise';

/**
 * A loss and its gradient with respect to every parameter, for at most `rows` sequences of at most `length` tokens.
 *
 * Inputs: the parameters under their Hugging Face names, and
 * - sft: `ids` [rows, length], padded on the right; `picked` [M], the cells row · length + position whose next token is
 *   trained, M ≥ 2; `targets` [M], that token; `weight` [M] (0 = not trained)
 * - policy: packed tokens (see packing.ts), `ids` [T], `positions` [T, 1], `places` [rows · length], `origins` [T];
 *   `picked` [M], the tokens of the list whose next token is trained; `targets`; `inverseTemperature` [1]; the inputs that
 *   the loss names (losses/policy-loss.ts), `tokenInputs` [M] and `settingInputs` [1]
 * - pairwise: `ids` as sft; `last` [rows], the cell of each row's last token; `weight` [rows/2]; row 2i is the chosen
 *   sequence, row 2i + 1 the rejected one
 *
 * Packing pays where completions share a prompt and costs 2 % where there is nothing to share.
 *
 * Outputs: `loss` [], `grad.<parameter>`, and `prob` [M] (sft: also `top` [M], the largest probability) or `score` [rows].
 */
export function gradientProgram(config: ModelConfig, loss: Loss, rows: number, length: number): OnnxProgram {
  const program = programBase(config, loss === 'pairwise' ? 'scalar' : 'lm');
  const outputs = losses[loss](program, { rows, length });
  const names = program.parameterNames;
  const grads = gradients(outputs.loss, names.map(program.parameters));
  const named = grads.map((grad, index) => [`grad.${names[index]}`, grad] as const);
  return program.inputs.write({ ...outputs, ...Object.fromEntries(named) });
}

/** Probability of each target: packed tokens, `picked` and `targets` [M], `inverseTemperature` [1] → `prob` [M]. */
export function probabilityProgram(config: ModelConfig, rows: number, length: number): OnnxProgram {
  const program = programBase(config, 'lm');
  return program.inputs.write({ prob: temperedProbability(program, { rows, length }).prob });
}

/** Score of each sequence: `ids` [rows, length], `last` [rows] (cell of its last token) → `score` [rows]. */
export function scoreProgram(config: ModelConfig, rows: number, length: number): OnnxProgram {
  const program = programBase(config, 'scalar');
  return program.inputs.write({ score: scores(program, { rows, length }) });
}

/**
 * The prompts' pass before generation, for any number of rows P ≥ 2: `ids` [P, length], `last` [P] (flat index
 * row · length + position of each prompt's last token), `inverseTemperature` [1] → `prob` [P, V] of the next token, and
 * per layer `key.<l>`, `value.<l>` [P, kvHeads, length, headDim].
 */
export function prefillProgram(config: ModelConfig, length: number): OnnxProgram {
  const { inputs, parameters } = programBase(config, 'lm');
  const { hidden, keys, values } = decoder(config, parameters, inputs.add('ids', ['P', length], 'int64'));
  const ends = finalNorm(config, parameters, gatherRows(hidden, inputs.add('last', ['P'], 'int64')));
  const tempered = multiply(ends, inputs.add('inverseTemperature', [1]));
  return inputs.write({
    prob: distribution(tempered, headTable(config, parameters)),
    ...Object.fromEntries(keys.map((key, layer) => [`key.${layer}`, key])),
    ...Object.fromEntries(values.map((value, layer) => [`value.${layer}`, value])),
  });
}

const losses: Record<Loss, (program: ProgramBase, grid: Grid) => { loss: Value } & Record<string, Value>> = {
  sft(program, grid) {
    const { config, inputs, parameters } = program;
    const { hidden, targets } = picked(program, gridHidden(program, grid));
    const { prob, logProb, top } = tokenProbability(hidden, headTable(config, parameters), targets);
    return { loss: crossEntropy(logProb, inputs.add('weight', ['M'])), prob, top };
  },
  policy(program, grid) {
    const { prob } = temperedProbability(program, grid);
    return { loss: policyLossGraph(prob, policyInputs(program)), prob };
  },
  pairwise(program, grid) {
    const score = scores(program, grid);
    return { loss: pairwiseLoss(score, program.inputs.add('weight', [grid.rows / 2])), score };
  },
};

function policyInputs({ inputs }: ProgramBase): PolicyInputs {
  const declared = [
    ...Object.keys(tokenInputs).map((name) => [name, inputs.add(name, ['M'])] as const),
    ...Object.keys(settingInputs).map((name) => [name, inputs.add(name, [1])] as const),
  ];
  return Object.fromEntries(declared) as unknown as PolicyInputs;
}

/** Hidden states of every cell of the grid, `[rows · length, d]`. */
function gridHidden({ config, inputs, parameters }: ProgramBase, { rows, length }: Grid): Value {
  return decoder(config, parameters, inputs.add('ids', [rows, length], 'int64')).hidden;
}

/** The picked ones of some hidden states after the final norm, `[M, d]`, and the tokens to be predicted there. */
function picked({ config, inputs, parameters }: ProgramBase, hidden: Value): { hidden: Value; targets: Value } {
  const rows = gatherRows(hidden, inputs.add('picked', ['M'], 'int64'));
  return { hidden: finalNorm(config, parameters, rows), targets: inputs.add('targets', ['M'], 'int64') };
}

/** Token probabilities at a temperature. The hidden states are scaled, not the logits, which are many times larger. */
function temperedProbability(program: ProgramBase, grid: Grid): TokenProbability {
  const { config, inputs, parameters } = program;
  const { hidden, targets } = picked(program, packedDecoder(config, parameters, tokenList(inputs, grid)));
  const tempered = multiply(hidden, inputs.add('inverseTemperature', [1]));
  return tokenProbability(tempered, headTable(config, parameters), targets);
}

/** The scalar head at each row's last token, `[rows]`. */
function scores(program: ProgramBase, grid: Grid): Value {
  const { config, inputs, parameters } = program;
  const ends = gatherRows(gridHidden(program, grid), inputs.add('last', [grid.rows], 'int64'));
  return reshape(gemm(finalNorm(config, parameters, ends), parameters('score.weight'), { transB: true }), [grid.rows]);
}
