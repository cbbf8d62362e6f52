import { pullback } from '../autodiff/reverse.ts';
import type { OnnxProgram } from '../graph/program.ts';
import { type Value, composite } from '../graph/value.ts';
import { gatherRows } from '../ops/indexing.ts';
import type { ModelConfig } from './config.ts';
import { decoderLayer } from './decoder.ts';
import { parameterLayout, type ParameterTensor } from './parameters.ts';
import { parameterInputs, ProgramInputs, tokenInputs } from './program-inputs.ts';

/**
 * The decoder as programs that run once a layer, with other buffers: two of them serve a model of any depth and sequences
 * of any length. The list of T tokens is described in packing.ts; parameters of a layer have the names that they have
 * behind `model.layers.<l>.` (`layerParameters`).
 */

/** The first residual stream: `ids` [T], `embeddings` [V, d], the table in float32 whatever the head reads → `x` [T, d]. */
export function embedProgram(config: ModelConfig): OnnxProgram {
  const inputs = new ProgramInputs();
  const table = inputs.add('embeddings', [config.vocabularySize, config.hiddenSize]);
  return inputs.write({ x: gatherRows(table, inputs.add('ids', ['T'], 'int64')) });
}

/**
 * A layer forward: `x` [T, d], `positions` [T, 1], `places` [R, L], `origins` [T], the layer's parameters → `y` [T, d],
 * `keys` and `values` [T, kvHeads, headDim], and what the way back starts from (`keptShapes`).
 */
export function layerProgram(config: ModelConfig): OnnxProgram {
  const { inputs, parameters } = layerInputs(config);
  const kept: Record<string, Value> = {};
  const output = decoderLayer(config, parameters, x(config, inputs), tokenInputs(inputs), (name, value) => {
    kept[`kept.${name}`] = value;
    return value;
  });
  return inputs.write({ ...output, ...kept });
}

/**
 * The same layer backward: its inputs, what it kept, and `g` [T, d], the cotangent of `y` → `grad.x` [T, d] and
 * `grad.<parameter>` of those that are trained. No product of the way forward is computed again but an adapter's first, which is small;
 * norms, RoPE and the gate are.
 *
 * @param onto whether the gradients of parameters are added onto the inputs `sum.<parameter>`. Each is read by the op alone that writes the
 *   gradient, so the two may lie in the same memory.
 */
export function layerGradientProgram(config: ModelConfig, onto: boolean): OnnxProgram {
  const { inputs, parameters, tensors } = layerInputs(config);
  const trained = tensors.filter((tensor) => tensor.trained);
  const shapes = keptShapes(config);
  const stream = x(config, inputs);
  const { y } = decoderLayer(config, parameters, stream, tokenInputs(inputs), (name, value) => {
    const found = inputs.add(`kept.${name}`, ['T', ...(shapes[name] as readonly number[])]);
    return composite('Kept', [value], [found], (g) => [g])[0] as Value;
  });
  const sources = trained.map(({ name }) => parameters(name));
  const g = inputs.add('g', ['T', config.hiddenSize]);
  const [gradX, ...gradients] = pullback(
    new Map([[y, g]]),
    [stream, ...sources],
    onto ? sums(inputs, trained) : undefined,
  );
  return inputs.write({ 'grad.x': gradX as Value, ...named('grad', trained, gradients) });
}

/** What a layer keeps of each token on the way forward, by name: the shape behind the tokens' axis. */
export function keptShapes(config: ModelConfig): Readonly<Record<string, readonly number[]>> {
  const { hiddenSize, intermediateSize, heads, kvHeads, headDim } = config;
  return {
    q: [heads * headDim],
    k: [kvHeads * headDim],
    v: [kvHeads * headDim],
    attended: [heads, headDim],
    lse: [heads],
    middle: [hiddenSize],
    gate: [intermediateSize],
    up: [intermediateSize],
  };
}

/** Tensors of a layer's parameters, named as in its programs. */
export function layerParameters(config: ModelConfig): ParameterTensor[] {
  return parameterLayout(config, 'lm').tensors.flatMap((tensor) => {
    const name = /^model\.layers\.0\.(.*)$/.exec(tensor.name)?.[1];
    return name === undefined ? [] : [{ ...tensor, name }];
  });
}

/** Declares `sum.<parameter>`, by the parameter's value. */
export function sums(inputs: ProgramInputs, tensors: readonly Pick<ParameterTensor, 'name' | 'shape'>[]) {
  return new Map(tensors.map(({ name, shape }) => [inputs.get(name), inputs.add(`sum.${name}`, shape)]));
}

export function named(prefix: string, tensors: readonly { name: string }[], values: readonly Value[]) {
  return Object.fromEntries(tensors.map(({ name }, index) => [`${prefix}.${name}`, values[index] as Value]));
}

function layerInputs(config: ModelConfig) {
  const inputs = new ProgramInputs();
  const tensors = layerParameters(config);
  return { inputs, tensors, parameters: parameterInputs(inputs, tensors) };
}

function x({ hiddenSize }: ModelConfig, inputs: ProgramInputs): Value {
  return inputs.add('x', ['T', hiddenSize]);
}
