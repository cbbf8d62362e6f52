import type { Head, ModelConfig } from '../models/config.ts';
import {
  headGradientProgram,
  headOf,
  headParameters,
  layerGradientProgram,
  layerParameters,
} from '../models/programs.ts';
import { embeddingName, type ParameterLayout, type ParameterTensor } from '../models/parameters.ts';
import { logitSpans, type Span } from '../passes/head-runs.ts';
import { type LayerRuns, tokenTensors } from '../passes/layer-runs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import { tensorRows } from '../runtime/device-memory.ts';
import type { AnyTensor, AnyTensors } from '../runtime/tensor.ts';
import type { MicroBatchResult } from './backend.ts';
import { type EmbeddingRows, tokensOfRows } from './embedding-rows.ts';
import { keptLayers } from './micro-batches.ts';
import type { TrainingBatch } from './sequences.ts';
import {
  completionNumbers,
  labelledFeeds,
  type LossFeeds,
  pairFeeds,
  pairScores,
  policyFeeds,
  supervisedFeeds,
  trainedNumbers,
} from './feeds.ts';
import type { GradientSums } from './gradient-sums.ts';

export interface GradientOptions {
  readonly config: ModelConfig;
  readonly head: Head;
  /** Of what is trained. */
  readonly layout: ParameterLayout;
  readonly programs: ExecutableCache;
  readonly layers: LayerRuns;
  /** Of the parts of the model: a micro-batch adds to a part's gradient when it is its turn there. */
  readonly turns: Turns;
  /** Of what the layers keep, and of the logits that exist at a time. */
  readonly limits?: { readonly keptBytes: number; readonly logitBytes: number };
}

/** Stages are the head, the layers from the last to the first, and the embedding. */
export interface Turns {
  /** Waits until it is the turn of micro-batch `index`. */
  await(stage: number, index: number): void;
  pass(stage: number, index: number): void;
}

/** Where a step's gradient is summed. */
export interface GradientMemory {
  readonly sums: GradientSums;
  readonly embedding: EmbeddingRows;
}

/** A micro-batch's place in the sum of a step. */
export interface Place {
  readonly index: number;
  /** It adds the embedding's rows to the sum. */
  readonly last: boolean;
}

/**
 * Runs micro-batches forward and backward, and adds their gradients to the sums: each part of the model when it is the
 * micro-batch's turn there. What the layers keep on the way forward is bounded: of many tokens the first layers run once more on the
 * way back.
 */
export class GradientRuns {
  readonly #options: GradientOptions;
  readonly #ofHead: readonly string[];
  readonly #ofLayer: readonly string[];

  constructor(options: GradientOptions) {
    this.#options = options;
    this.#ofHead = trainedNames(headParameters(options.config, options.head));
    this.#ofLayer = trainedNames(layerParameters(options.config));
  }

  async run(
    parameters: AnyTensors,
    batch: TrainingBatch,
    memory: GradientMemory,
    place: Place,
  ): Promise<MicroBatchResult> {
    const { config, layers, turns, limits } = this.#options;
    const feeds = feedsOf(batch);
    const tokens = await tokenTensors(layers.memory, feeds.packing);
    const count = feeds.packing.ids.length;
    const kept = layers.kept(keptLayers(config, count, limits?.keptBytes), count);
    /** It shares its place with all before it, and leaves it as its way back needs it. */
    const firstKept = config.layers - kept.length;
    const keptOf = (layer: number) => kept[Math.max(0, layer - firstKept)] as AnyTensors;
    const streams = layers.streams('streams', config.layers + 1, count);
    const stream = (layer: number) => streams[layer] as AnyTensor;
    const cotangents = layers.streams('cotangents', 2, count) as [AnyTensor, AnyTensor];

    await layers.embed(parameters, tokens, stream(0));
    for (let layer = 0; layer < config.layers; layer++) {
      await layers.layer(layer, parameters, tokens, stream(layer), stream(layer + 1), keptOf(layer));
    }

    turns.await(0, place.index);
    let g = cotangents[0];
    layers.memory.fillWithZeros(g);
    const outputs = await this.#head(parameters, feeds, batch.loss, stream(config.layers), g, memory, place);
    turns.pass(0, place.index);

    for (let layer = config.layers - 1; layer >= 0; layer--) {
      if (layer < firstKept) {
        await layers.layer(layer, parameters, tokens, stream(layer), stream(layer + 1), keptOf(layer));
      }
      const stage = config.layers - layer;
      turns.await(stage, place.index);
      const next = cotangents[(stage % 2) as 0 | 1];
      const inputs = { ...tokens, ...keptOf(layer), x: stream(layer), g };
      await this.#layer(layer, parameters, inputs, next, memory, place);
      turns.pass(stage, place.index);
      g = next;
    }

    const stage = config.layers + 1;
    turns.await(stage, place.index);
    await this.#embedding(feeds.packing.ids, g, memory, place);
    turns.pass(stage, place.index);
    return microBatchResult(outputs, batch);
  }

  /** Adds the head's gradients and its cotangent of the last residual stream to `g`. */
  async #head(
    parameters: AnyTensors,
    feeds: LossFeeds,
    loss: TrainingBatch['loss'],
    x: AnyTensor,
    g: AnyTensor,
    { sums }: GradientMemory,
    { index }: Place,
  ): Promise<HeadOutputs> {
    const { config, programs, layers, limits } = this.#options;
    const { memory } = layers;
    const { picked, targets, form } = feeds;
    const rows = await memory.indices('picked', picked, [picked.length]);
    const wanted = targets.length > 0 ? await memory.indices('targets', targets, [targets.length]) : undefined;
    const numbers = this.#numbers(feeds);
    const results: HeadOutputs = { loss: 0, perToken: {} };
    const spans =
      headOf[loss] === 'scalar'
        ? [{ start: 0, end: picked.length }]
        : logitSpans(picked.length, config.vocabularySize, limits?.logitBytes);
    const summed = this.#ofHead.map((name) => ({ role: name, name }));
    // Zeros are written in less time than a second program takes to compile and to keep.
    if (index === 0) for (const name of this.#ofHead) memory.fillWithZeros(sums.of(name));
    const key = form === undefined ? `head ${loss}` : `head ${loss} ${JSON.stringify(form)}`;
    const program = await programs.get(key, () => headGradientProgram(config, loss, form));
    const table = headOf[loss] === 'scalar' ? undefined : this.#table;
    for (const span of spans) {
      const ofSpan = (tensor: AnyTensor) => tensorRows(tensor, span.start, span.end);
      const outputs = this.#headOutputs(loss, span, table !== undefined);
      const inputs = { ...parameters, ...numbers(span), ...(wanted && { targets: ofSpan(wanted) }) };
      await sums.run(program, { ...inputs, x: await memory.pickRows(x, ofSpan(rows)) }, outputs, summed);
      await memory.addRows(g, ofSpan(rows), outputs['grad.x']);
      const { 'grad.rows': updates } = outputs;
      if (updates && table && wanted) await memory.addRows(sums.of(table), ofSpan(wanted), updates);
      const names = ofPickedTokens[loss];
      const read = memory.readAll([outputs.loss, ...names.map((name) => outputs[name] as AnyTensor)]);
      const [sum, ...perToken] = read as [Float32Array, ...Float32Array[]];
      results.loss += sum[0] as number;
      for (const [at, name] of names.entries()) {
        results.perToken[name] ??= new Float32Array(picked.length);
        results.perToken[name].set(perToken[at] as Float32Array, span.start);
      }
    }
    return results;
  }

  /** The numbers that the loss wants, with those of picked tokens cut to a span. */
  #numbers({ picked, inputs }: LossFeeds): (span: Span) => AnyTensors {
    const { memory } = this.#options.layers;
    const all = Object.entries(inputs).map(
      ([name, values]) => [name, memory.floats(`loss ${name}`, values, [values.length])] as const,
    );
    return ({ start, end }) =>
      Object.fromEntries(
        all.map(([name, tensor]) => [name, tensor.dims[0] === picked.length ? tensorRows(tensor, start, end) : tensor]),
      );
  }

  #headOutputs(loss: TrainingBatch['loss'], { start, end }: Span, withRows: boolean) {
    const { config, layers } = this.#options;
    const { memory } = layers;
    const ofTokens = ofPickedTokens[loss].map(
      (name) => [name, memory.tensor(`picked ${name}`, [end - start])] as const,
    );
    const rows = (name: string) => memory.tensor(name, [end - start, config.hiddenSize]);
    return {
      loss: memory.tensor('loss', []),
      'grad.x': rows('grad.x'),
      ...(withRows && { 'grad.rows': rows('grad.rows') }),
      ...Object.fromEntries(ofTokens),
    } as HeadTensors;
  }

  async #layer(
    layer: number,
    parameters: AnyTensors,
    inputs: AnyTensors,
    gradX: AnyTensor,
    { sums }: GradientMemory,
    { index }: Place,
  ): Promise<void> {
    const { config, programs, layers } = this.#options;
    const onto = index > 0;
    const { attentionOp = 'Attention' } = config;
    const key = `layer gradient ${attentionOp} ${onto}`;
    const program = await programs.get(key, () => layerGradientProgram(config, onto));
    const summed = this.#ofLayer.map((role) => ({ role, name: `model.layers.${layer}.${role}` }));
    await sums.run(program, { ...layers.ofLayer(layer, parameters), ...inputs }, { 'grad.x': gradX }, summed);
  }

  /**
   * The rows of the embedding are summed by themselves, and added when the step is whole: a tied table has the head's gradients first, of
   * all micro-batches, whatever the number of workers.
   */
  async #embedding(ids: readonly number[], g: AnyTensor, { sums, embedding }: GradientMemory, { index, last }: Place) {
    const { layout, layers } = this.#options;
    const { memory } = layers;
    if (!layout.tensors.some(({ name }) => name === embeddingName)) return;
    const { rowOf, rows } = embedding;
    if (index === 0) memory.fillWithZeros(rows);
    const ofTokens = ids.map((id) => rowOf[id] as number);
    await memory.addRows(rows, await memory.indices('embedding rows', ofTokens, [ids.length]), g);
    if (!last) return;
    const gradient = sums.of(embeddingName);
    if (!this.#ofHead.includes(embeddingName)) memory.fillWithZeros(gradient);
    const tokens = tokensOfRows(rowOf);
    await memory.addRows(gradient, await memory.indices('embedding rows', tokens, [tokens.length]), rows);
  }

  /** The head's table, where it is trained. */
  get #table(): string | undefined {
    return this.#ofHead.find((name) => name !== 'model.norm.weight');
  }
}

function trainedNames(tensors: readonly ParameterTensor[]): string[] {
  return tensors.filter(({ trained }) => trained).map(({ name }) => name);
}

/** Outputs with a number for each picked token. */
const ofPickedTokens = { sft: ['prob', 'top'], policy: ['prob'], pairwise: ['score'], pointwise: ['score'] } as const;

type HeadTensors = Readonly<
  Record<'loss' | 'grad.x', AnyTensor> & Partial<Record<'grad.rows' | 'prob' | 'top' | 'score', AnyTensor>>
>;

interface HeadOutputs {
  loss: number;
  /** `prob`, `top`, `score`, for each picked token. */
  readonly perToken: Record<string, Float32Array>;
}

function feedsOf(batch: TrainingBatch): LossFeeds {
  if (batch.loss === 'pairwise') return pairFeeds(batch);
  if (batch.loss === 'pointwise') return labelledFeeds(batch.sequences);
  if (batch.loss === 'policy') return policyFeeds(batch);
  return supervisedFeeds(batch.sequences);
}

function microBatchResult({ loss, perToken }: HeadOutputs, batch: TrainingBatch): MicroBatchResult {
  const { prob = new Float32Array(), top = new Float32Array(), score = new Float32Array() } = perToken;
  const result = { loss, probs: [], top: [], scores: [], pairScores: [] };
  if (batch.loss === 'pairwise') return { ...result, pairScores: pairScores(score, batch.pairs) };
  if (batch.loss === 'pointwise') return { ...result, scores: [...score.subarray(0, batch.sequences.length)] };
  if (batch.loss === 'policy') return { ...result, probs: completionNumbers(prob, batch.sequences) };
  return { ...result, probs: trainedNumbers(prob, batch.sequences), top: trainedNumbers(top, batch.sequences) };
}
