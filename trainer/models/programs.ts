import { gradients } from '../autodiff/reverse.ts';
import type { OnnxProgram } from '../graph/program.ts';
import { fixed } from '../graph/shape.ts';
import type { Value } from '../graph/value.ts';
import { crossEntropy, pairwiseLoss, policyLoss } from '../nn/losses.ts';
import { type TokenProbability, distribution, tokenProbability } from '../nn/token-probability.ts';
import { multiply } from '../ops/elementwise.ts';
import { gatherRows } from '../ops/indexing.ts';
import { gemm } from '../ops/linalg.ts';
import { reshape } from '../ops/movement.ts';
import type { ModelConfig } from './config.ts';
import { decoder, finalNorm, headTable } from './decoder.ts';
import { type SequenceInputs, sequenceInputs } from './program-inputs.ts';

export { type DecodePart, decodeBinding, decodePrograms } from './decode-programs.ts';

/** `sft`: weighted cross-entropy. `policy`: clipped ratio and KL. `pairwise`: Bradley–Terry on scores. */
export type Loss = 'sft' | 'policy' | 'pairwise';

/**
 * A loss and its gradient with respect to every parameter.
 *
 * Parameters are inputs under their Hugging Face names. Rows are padded on the right; N = rows · length ≥ 2. Inputs
 * beside the parameters and `ids` [rows, length]:
 * - sft: `targets` [N], `weight` [N] (0 = not trained)
 * - policy: `targets`, `weight`, `advantage`, `oldProb`, `refProb` [N]; `inverseTemperature`, `ratioLow`, `ratioHigh`,
 *   `klCoefficient` [1]
 * - pairwise: `last` [rows], the flat index row · length + position of each row's last token; `weight` [rows/2]; row 2i
 *   is the chosen one, row 2i + 1 the rejected one
 *
 * Outputs: `loss` [], `grad.<parameter>`, and `prob` [N] (sft: also `top` [N], the largest probability) or `score` [rows].
 */
export function gradientProgram(config: ModelConfig, loss: Loss, rows: number, length: number): OnnxProgram {
  const sequence = sequenceInputs(config, loss === 'pairwise' ? 'scalar' : 'lm', rows, length);
  const outputs = losses[loss](sequence);
  const names = sequence.parameterNames;
  const grads = gradients(outputs.loss, names.map(sequence.parameters));
  const named = grads.map((grad, index) => [`grad.${names[index]}`, grad] as const);
  return sequence.inputs.write({ ...outputs, ...Object.fromEntries(named) });
}

/** Probability of each target: `ids` [rows, length], `targets` [N], `inverseTemperature` [1] → `prob` [N]. */
export function probabilityProgram(config: ModelConfig, rows: number, length: number): OnnxProgram {
  const sequence = sequenceInputs(config, 'lm', rows, length);
  return sequence.inputs.write({ prob: temperedProbability(sequence).prob });
}

/** Score of each sequence: `ids` [rows, length], `last` [rows] (flat index of its last token) → `score` [rows]. */
export function scoreProgram(config: ModelConfig, rows: number, length: number): OnnxProgram {
  const sequence = sequenceInputs(config, 'scalar', rows, length);
  return sequence.inputs.write({ score: scores(sequence) });
}

/**
 * The prompts' pass before generation, for any number of rows P ≥ 2: `ids` [P, length], `last` [P] (flat index
 * row · length + position of each prompt's last token), `inverseTemperature` [1] → `prob` [P, V] of the next token, and
 * per layer `key.<l>`, `value.<l>` [P, kvHeads, length, headDim].
 */
export function prefillProgram(config: ModelConfig, length: number): OnnxProgram {
  const { inputs, parameters, ids } = sequenceInputs(config, 'lm', 'P', length);
  const { hidden, keys, values } = decoder(config, parameters, ids);
  const ends = finalNorm(config, parameters, gatherRows(hidden, inputs.add('last', ['P'], 'int64')));
  const tempered = multiply(ends, inputs.add('inverseTemperature', [1]));
  return inputs.write({
    prob: distribution(tempered, headTable(config, parameters)),
    ...Object.fromEntries(keys.map((key, layer) => [`key.${layer}`, key])),
    ...Object.fromEntries(values.map((value, layer) => [`value.${layer}`, value])),
  });
}

const losses: Record<Loss, (sequence: SequenceInputs) => { loss: Value } & Record<string, Value>> = {
  sft(sequence) {
    const { config, inputs, parameters, ids, tokens } = sequence;
    const targets = inputs.add('targets', [tokens], 'int64');
    const hidden = finalNorm(config, parameters, decoder(config, parameters, ids).hidden);
    const { prob, logProb, top } = tokenProbability(hidden, headTable(config, parameters), targets);
    return { loss: crossEntropy(logProb, inputs.add('weight', [tokens])), prob, top };
  },
  policy(sequence) {
    const { inputs, tokens } = sequence;
    const { prob } = temperedProbability(sequence);
    const loss = policyLoss(prob, {
      weight: inputs.add('weight', [tokens]),
      advantage: inputs.add('advantage', [tokens]),
      oldProb: inputs.add('oldProb', [tokens]),
      refProb: inputs.add('refProb', [tokens]),
      ratioLow: inputs.add('ratioLow', [1]),
      ratioHigh: inputs.add('ratioHigh', [1]),
      klCoefficient: inputs.add('klCoefficient', [1]),
    });
    return { loss, prob };
  },
  pairwise(sequence) {
    const score = scores(sequence);
    return { loss: pairwiseLoss(score, sequence.inputs.add('weight', [fixed(sequence.rows) / 2])), score };
  },
};

/** Token probabilities at a temperature. The hidden states are scaled, not the logits, which are many times larger. */
function temperedProbability({ config, inputs, parameters, ids, tokens }: SequenceInputs): TokenProbability {
  const targets = inputs.add('targets', [tokens], 'int64');
  const hidden = finalNorm(config, parameters, decoder(config, parameters, ids).hidden);
  const tempered = multiply(hidden, inputs.add('inverseTemperature', [1]));
  return tokenProbability(tempered, headTable(config, parameters), targets);
}

/** The scalar head at each row's last token, `[rows]`. */
function scores({ config, inputs, parameters, ids, rows }: SequenceInputs): Value {
  const ends = gatherRows(decoder(config, parameters, ids).hidden, inputs.add('last', [rows], 'int64'));
  return reshape(gemm(finalNorm(config, parameters, ends), parameters('score.weight'), { transB: true }), [rows]);
}
