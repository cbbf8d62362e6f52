import type { OnnxProgram } from '../../trainer/graph/program.ts';
import type { PolicyLossForm } from '../../trainer/losses/policy-loss.ts';
import type { Head, ModelConfig } from '../../trainer/models/config.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import {
  embedProgram,
  headGradientProgram,
  headOf,
  headParameters,
  layerGradientProgram,
  layerParameters,
  layerProgram,
  type Loss,
  nextTokenProgram,
  probabilityProgram,
  scoreProgram,
} from '../../trainer/models/programs.ts';
import { unshared } from './packed.ts';
import { type Feeds, openProgram, type Results } from './run-program.ts';

/**
 * A whole model from the programs of its parts, with nothing of the engine: feeds are the parameters, `ids` of `rows` sequences of `length`
 * tokens (or a packed list with `positions`, `places`, `origins`), `picked` tokens, and what the head wants.
 */
type Run = (feeds: Feeds) => Promise<Results>;

/** Loss, results of the head, and `grad.<parameter>`. */
export async function gradientModel(
  config: ModelConfig,
  loss: Loss,
  rows: number,
  length: number,
  form?: PolicyLossForm,
): Promise<Run> {
  const forward = await openForward(config, rows, length);
  const head = await openPart(headGradientProgram(config, loss, form), rows, length);
  const ofHeadBefore = headParameters(config, headOf[loss]).map(
    ({ name, size }) => [`sum.${name}`, new Float32Array(size)] as const,
  );
  const backward = await openPart(layerGradientProgram(config, false), rows, length);
  const { hiddenSize: width } = config;
  const table = config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight';

  return async (given) => {
    const { feeds, streams, kept, picked } = await forward(given);
    const last = streams.at(-1) as Float32Array;
    const ofHead = await head({ ...feeds, ...Object.fromEntries(ofHeadBefore), x: rowsOf(last, picked, width) });
    const { 'grad.x': ofPicked, 'grad.rows': ofTargets, ...others } = ofHead;
    const results: Record<string, Float32Array> = others;
    let g = new Float32Array(last.length);
    addRows(g, picked, ofPicked as Float32Array, width);
    if (ofTargets) addRows(results[`grad.${table}`] as Float32Array, numbers(feeds['targets']), ofTargets, width);

    for (let layer = config.layers - 1; layer >= 0; layer--) {
      const inputs = {
        ...feeds,
        ...ofLayer(config, layer, feeds),
        ...kept[layer],
        x: streams[layer] as Float32Array,
        g,
      };
      // oxlint-disable-next-line no-await-in-loop -- each layer needs the cotangent that the one behind it gives
      const { 'grad.x': next, ...gradients } = await backward(inputs);
      for (const [name, values] of Object.entries(gradients)) {
        results[name.replace('grad.', `grad.model.layers.${layer}.`)] = values;
      }
      g = next as Float32Array<ArrayBuffer>;
    }
    const embedding = 'grad.model.embed_tokens.weight';
    results[embedding] ??= new Float32Array(config.vocabularySize * width);
    addRows(results[embedding], numbers(feeds['ids']), g, width);
    return results;
  };
}

/** `prob` of each target. */
export async function probabilityModel(config: ModelConfig, rows: number, length: number): Promise<Run> {
  return openModel(config, probabilityProgram(config), rows, length);
}

/** `prob` [picked, V] of the next token. */
export async function nextTokenModel(config: ModelConfig, rows: number, length: number): Promise<Run> {
  return openModel(config, nextTokenProgram(config), rows, length);
}

/** `score` of each sequence, at the token `last`. */
export async function scoreModel(config: ModelConfig, rows: number, length: number): Promise<Run> {
  return openModel(config, scoreProgram(config), rows, length);
}

/** `key.<layer>` and `value.<layer>` [T, kvHeads, headDim] of every layer besides. */
async function openModel(config: ModelConfig, head: OnnxProgram, rows: number, length: number): Promise<Run> {
  const forward = await openForward(config, rows, length);
  const run = await openPart(head, rows, length);
  return async (given) => {
    const { feeds, streams, cached, picked } = await forward(given);
    const x = rowsOf(streams.at(-1) as Float32Array, picked, config.hiddenSize);
    return { ...(await run({ ...feeds, x })), ...cached };
  };
}

async function openForward(config: ModelConfig, rows: number, length: number) {
  const embed = await openPart(embedProgram(config), rows, length);
  const run = await openPart(layerProgram(config), rows, length);
  return async (given: Feeds) => {
    const table = given['model.embed_tokens.weight'] as Float32Array;
    const feeds: Feeds = { ...unshared(rows, length), ...given, embeddings: table };
    const streams = [(await embed(feeds))['x'] as Float32Array];
    const kept: Feeds[] = [];
    const cached: Record<string, Float32Array> = {};
    for (let layer = 0; layer < config.layers; layer++) {
      const x = streams[layer] as Float32Array;
      // oxlint-disable-next-line no-await-in-loop -- one layer after the other
      const { y, keys, values, ...others } = await run({ ...feeds, ...ofLayer(config, layer, feeds), x });
      streams.push(y as Float32Array);
      kept.push(others);
      cached[`key.${layer}`] = keys as Float32Array;
      cached[`value.${layer}`] = values as Float32Array;
    }
    return { feeds, streams, kept, cached, picked: numbers(feeds['last'] ?? feeds['picked']) };
  };
}

async function openPart(program: OnnxProgram, R: number, L: number): Promise<Run> {
  const run = await openProgram(program);
  return async (feeds) => run(feeds, { R, L });
}

function ofLayer(config: ModelConfig, layer: number, feeds: Feeds): Feeds {
  return Object.fromEntries(
    layerParameters(config).map(({ name }) => [name, feeds[`model.layers.${layer}.${name}`] as Float32Array]),
  );
}

/** All parameters by name, from a flat array. */
export function namedParameters(config: ModelConfig, head: Head, flat: Float32Array): Record<string, Float32Array> {
  const { tensors } = parameterLayout(config, head);
  return Object.fromEntries(tensors.map(({ name, offset, size }) => [name, flat.slice(offset, offset + size)]));
}

function numbers(data: Feeds[string] | undefined): number[] {
  return Array.from(data ?? [], Number);
}

function rowsOf(matrix: Float32Array, rows: readonly number[], width: number): Float32Array {
  return Float32Array.from(rows.flatMap((row) => [...matrix.subarray(row * width, (row + 1) * width)]));
}

function addRows(matrix: Float32Array, rows: readonly number[], updates: Float32Array, width: number): void {
  for (const [index, row] of rows.entries()) {
    for (let i = 0; i < width; i++) matrix[row * width + i]! += updates[index * width + i]!;
  }
}
