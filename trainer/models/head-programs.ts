import { pullback } from '../autodiff/reverse.ts';
import type { OnnxProgram } from '../graph/program.ts';
import { type Value, composite, scalar } from '../graph/value.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import { pairwiseLoss } from '../losses/pairwise-loss.ts';
import { pointwiseLoss } from '../losses/pointwise-loss.ts';
import {
  type PolicyInputs,
  type PolicyLossForm,
  policyLossGraph,
  settingInputs,
  tokenInputs,
} from '../losses/policy-loss.ts';
import { distribution, entropy, tableRows, tokenProbability } from '../nn/token-probability.ts';
import { linear } from '../ops/linalg.ts';
import { reshape } from '../ops/movement.ts';
import type { Head, ModelConfig } from './config.ts';
import { finalNorm, headTable, tempered } from './decoder.ts';
import { named, sums } from './layer-programs.ts';
import { withPanels } from './panels.ts';
import { type ParameterTensor, parameterLayout } from './parameters.ts';
import { parameterInputs, ProgramInputs } from './program-inputs.ts';

/**
 * What follows the last layer, for M ≥ 2 picked tokens of the list: `x` [M, d] is their residual stream. A loss that is a
 * sum over tokens may take them in any number of runs, so that the logits of all of them never exist.
 */

/**
 * `sft`: weighted cross-entropy. `policy`: clipped ratio and KL. `pairwise`: Bradley–Terry on scores. `pointwise`: binary
 * cross-entropy of scores.
 */
export type Loss = 'sft' | 'policy' | 'pairwise' | 'pointwise';

/** What a loss is computed from. */
export const headOf = {
  sft: 'lm',
  policy: 'lm',
  pairwise: 'scalar',
  pointwise: 'scalar',
} as const satisfies Record<Loss, Head>;

/** Probability of each target: `x`, `targets` [M], `inverseTemperature` [1] → `prob` [M]. */
export function probabilityProgram(config: ModelConfig): OnnxProgram {
  const program = headInputs(config, 'lm');
  const { prob } = tokenProbability(atTemperature(program), program.table, targets(program));
  return program.inputs.write({ prob });
}

/** Entropy of the next token's distribution, in nats: `x`, `inverseTemperature` [1] → `entropy` [M]. */
export function entropyProgram(config: ModelConfig): OnnxProgram {
  const program = headInputs(config, 'lm');
  return program.inputs.write({ entropy: entropy(atTemperature(program), program.table) });
}

/** Distribution of the next token: `x`, `inverseTemperature` [1] → `prob` [M, V]. @param packed as of `decodeProgram` */
export function nextTokenProgram(config: ModelConfig, packed = false): OnnxProgram {
  const program = headInputs(config, 'lm', { packed });
  return program.inputs.write({ prob: distribution(atTemperature(program), program.table) });
}

/** The scalar head: `x` → `score` [M]. */
export function scoreProgram(config: ModelConfig): OnnxProgram {
  const program = headInputs(config, 'scalar');
  return program.inputs.write({ score: score(program) });
}

/**
 * A loss and its gradient: `x`, what the loss wants → `loss` [], `grad.x` [M, d], the gradients of the final norm and of
 * the head's table where they are trained, and
 * - sft: `targets` [M], `weight` [M] (0 = not trained) → `prob` [M] and `top` [M], the largest probability
 * - policy: `targets` [M], `inverseTemperature` [1], the inputs that the loss names (losses/policy-loss.ts), `tokenInputs`
 *   [M] and `settingInputs` [1] → `prob` [M]
 * - pairwise, on a scalar head: the last tokens of N pairs, chosen and rejected in turn, M = N*2; `weight` [N], `margin` [N],
 *   `centering` [1] → `score` [M]
 * - pointwise, on a scalar head: the last tokens of responses; `weight` [M], `against` [M] → `score` [M]
 *
 * A target's row of the table is used twice, in the product and by itself. What comes from the second use is put out as
 * `grad.rows` [M, d], to be added to the gradient of the table's rows `targets`: so the product adds onto the sum in place.
 *
 * @param form of the policy loss; `plainForm` when absent
 *
 * Gradients of parameters are always added onto the inputs `sum.<parameter>`, as those of `layerGradientProgram` may be.
 */
export function headGradientProgram(config: ModelConfig, loss: Loss, form?: PolicyLossForm): OnnxProgram {
  const program = headInputs(config, headOf[loss], {
    count: loss === 'pairwise' ? 'N*2' : 'M',
  });
  const { inputs, x } = program;
  const trained = program.tensors.filter((tensor) => tensor.trained);
  const { rows: rowsOfTable, ...outputs } = losses[loss](program, form);
  const rows = trained.some(({ name }) => inputs.get(name) === program.table) ? rowsOfTable : undefined;
  const [gradX, ...gradients] = pullback(
    new Map([[outputs.loss, scalar(1)]]),
    [x, ...trained.map(({ name }) => inputs.get(name)), ...(rows ? [rows] : [])],
    sums(inputs, trained),
  );
  const ofRows = rows && { 'grad.rows': gradients.at(-1) as Value };
  return inputs.write({ ...outputs, 'grad.x': gradX as Value, ...named('grad', trained, gradients), ...ofRows });
}

/** Tensors of the final norm and of the head's table. */
export function headParameters(config: ModelConfig, head: Head): ParameterTensor[] {
  const table =
    head === 'scalar' ? 'score.weight' : config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';
  return parameterLayout(config, head).tensors.filter(({ name }) => name === 'model.norm.weight' || name === table);
}

interface HeadInputs {
  readonly config: ModelConfig;
  readonly inputs: ProgramInputs;
  readonly tensors: readonly ParameterTensor[];
  readonly x: Value;
  /** `x` after the final norm */
  readonly hidden: Value;
  readonly table: Value;
}

function headInputs(config: ModelConfig, head: Head, { count = 'M', packed = false } = {}): HeadInputs {
  const inputs = new ProgramInputs();
  const tensors = headParameters(config, head);
  const parameters = parameterInputs(inputs, packed ? withPanels(config, tensors) : tensors);
  const x = inputs.add('x', [count, config.hiddenSize]);
  const table = head === 'lm' ? headTable(config, parameters) : parameters('score.weight');
  return { config, inputs, tensors, x, hidden: finalNorm(config, parameters, x), table };
}

const losses: Record<
  Loss,
  (program: HeadInputs, form?: PolicyLossForm) => { loss: Value; rows?: Value } & Record<string, Value>
> = {
  sft(program) {
    const { inputs, hidden, table } = program;
    const wanted = targets(program);
    const rows = byThemselves(table, wanted);
    const { prob, logProb, top } = tokenProbability(hidden, table, wanted, rows);
    return { loss: crossEntropy(logProb, inputs.add('weight', ['M'])), prob, top, rows };
  },
  policy(program, form) {
    const wanted = targets(program);
    const rows = byThemselves(program.table, wanted);
    const hidden = atTemperature(program);
    const { prob } = tokenProbability(hidden, program.table, wanted, rows);
    const inputs = policyInputs(program);
    const entropies = form?.entropy ? entropy(hidden, program.table) : undefined;
    return { loss: policyLossGraph(prob, inputs, { form, entropies }), prob, rows };
  },
  pairwise(program) {
    const { inputs } = program;
    const scores = score(program);
    const [weight, margin] = [inputs.add('weight', ['N']), inputs.add('margin', ['N'])];
    return { loss: pairwiseLoss(scores, { weight, margin, centering: inputs.add('centering', [1]) }), score: scores };
  },
  pointwise(program) {
    const { inputs } = program;
    const scores = score(program);
    const [weight, against] = [inputs.add('weight', ['M']), inputs.add('against', ['M'])];
    return { loss: pointwiseLoss(scores, { weight, against }), score: scores };
  },
};

function policyInputs({ inputs }: HeadInputs): PolicyInputs {
  const declared = [
    ...Object.keys(tokenInputs).map((name) => [name, inputs.add(name, ['M'])] as const),
    ...Object.keys(settingInputs).map((name) => [name, inputs.add(name, [1])] as const),
  ];
  return Object.fromEntries(declared) as unknown as PolicyInputs;
}

function targets({ inputs }: HeadInputs): Value {
  return inputs.add('targets', ['M'], 'int64');
}

/** Rows of a table whose gradient is not the table's. */
function byThemselves(table: Value, rows: Value): Value {
  return composite('ByThemselves', [], [tableRows(table, rows)], () => [])[0] as Value;
}

function atTemperature({ inputs, hidden }: HeadInputs): Value {
  return tempered(hidden, inputs.add('inverseTemperature', [1]));
}

function score({ x, hidden, table }: HeadInputs): Value {
  return reshape(linear(hidden, table), x.shape.slice(0, 1));
}
