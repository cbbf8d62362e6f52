import type { Head, ModelConfig } from '../../models/config.ts';
import { headGradientProgram, headParameters, layerGradientProgram, layerParameters } from '../../models/programs.ts';
import type { ParameterLayout, ParameterTensor } from '../../models/parameters.ts';
import { addRows, cutInputs, logitSpans, pickRows } from '../../passes/head-runs.ts';
import { type LayerRuns, tokenTensors } from '../../passes/layer-runs.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { floats, floatTensor, indexTensor, type Tensor, type Tensors } from '../../runtime/tensor.ts';
import type { MicroBatchResult } from '../backend.ts';
import { keptLayers } from '../micro-batches.ts';
import type { TrainingBatch } from '../sequences.ts';
import {
  completionNumbers,
  type LossFeeds,
  pairFeeds,
  pairScores,
  policyFeeds,
  supervisedFeeds,
  trainedNumbers,
} from './feeds.ts';
import { CopiedSums, type GradientSums, SharedSums } from './gradient-sums.ts';
import type { EmbeddingRows, OptimizerMemory } from './protocol.ts';
import { awaitTurn, passTurn } from './turn.ts';

const embedding = 'model.embed_tokens.weight';

export interface GradientOptions {
  readonly config: ModelConfig;
  readonly head: Head;
  /** Of what is trained. */
  readonly layout: ParameterLayout;
  readonly runtime: Runtime;
  readonly programs: ExecutableCache;
  readonly layers: LayerRuns;
  readonly turns: Int32Array;
  /** Of what the layers keep, and of the logits that exist at a time. */
  readonly limits?: { readonly keptBytes: number; readonly logitBytes: number };
}

/** Where a step's gradient is summed. */
export type GradientMemory = Pick<OptimizerMemory, 'gradient'> & { readonly embedding: EmbeddingRows };

/** A micro-batch's place in the sum of a step. */
export interface Place {
  readonly index: number;
  /** It adds the embedding's rows to the sum. */
  readonly last: boolean;
}

/**
 * Runs micro-batches forward and backward, and adds their gradients to the sum in shared memory: each part of the model when it is the
 * micro-batch's turn there. What the layers keep on the way forward is bounded: of many tokens the first layers run once more on the
 * way back.
 */
export class GradientRuns {
  readonly #options: GradientOptions;
  readonly #ofHead: readonly string[];
  readonly #ofLayer: readonly string[];
  #sums: GradientSums | undefined;

  constructor(options: GradientOptions) {
    this.#options = options;
    this.#ofHead = trainedNames(headParameters(options.config, options.head));
    this.#ofLayer = trainedNames(layerParameters(options.config));
  }

  async run(
    parameters: Tensors,
    batch: TrainingBatch,
    memory: GradientMemory,
    place: Place,
  ): Promise<MicroBatchResult> {
    const { config, layers, turns, limits } = this.#options;
    const feeds = feedsOf(batch);
    const tokens = tokenTensors(feeds.packing);
    const count = feeds.packing.ids.length;
    const kept = layers.kept(keptLayers(config, count, limits?.keptBytes), count);
    /** It shares its place with all before it, and leaves it as its way back needs it. */
    const firstKept = config.layers - kept.length;
    const keptOf = (layer: number) => kept[Math.max(0, layer - firstKept)] as Tensors;
    const streams = layers.streams('streams', config.layers + 1, count);
    const stream = (layer: number) => streams[layer] as Tensor;
    const cotangents = layers.streams('cotangents', 2, count) as [Tensor, Tensor];

    await layers.embed(parameters, tokens, stream(0));
    for (let layer = 0; layer < config.layers; layer++) {
      await layers.layer(layer, parameters, tokens, stream(layer), stream(layer + 1), keptOf(layer));
    }

    awaitTurn(turns, 0, place.index);
    let g = cotangents[0];
    (g.data as Float32Array).fill(0);
    const outputs = await this.#head(parameters, feeds, batch.loss, stream(config.layers), g, memory, place);
    passTurn(turns, 0, place.index);

    for (let layer = config.layers - 1; layer >= 0; layer--) {
      if (layer < firstKept) {
        await layers.layer(layer, parameters, tokens, stream(layer), stream(layer + 1), keptOf(layer));
      }
      const stage = config.layers - layer;
      awaitTurn(turns, stage, place.index);
      const next = cotangents[(stage % 2) as 0 | 1];
      const inputs = { ...tokens, ...keptOf(layer), x: stream(layer), g };
      await this.#layer(layer, parameters, inputs, next, memory, place);
      passTurn(turns, stage, place.index);
      g = next;
    }

    const stage = config.layers + 1;
    awaitTurn(turns, stage, place.index);
    this.#embedding(feeds.packing.ids, g, memory, place);
    passTurn(turns, stage, place.index);
    return microBatchResult(outputs, batch);
  }

  /** Adds the head's gradients and its cotangent of the last residual stream to `g`. */
  async #head(
    parameters: Tensors,
    { picked, targets, inputs }: LossFeeds,
    loss: TrainingBatch['loss'],
    x: Tensor,
    g: Tensor,
    memory: GradientMemory,
    { index }: Place,
  ): Promise<HeadOutputs> {
    const { config, programs } = this.#options;
    const results: HeadOutputs = { loss: 0, perToken: {} };
    const spans =
      loss === 'pairwise'
        ? [{ start: 0, end: picked.length }]
        : logitSpans(picked.length, config.vocabularySize, this.#options.limits?.logitBytes);
    const summed = this.#ofHead.map((name) => ({ role: name, name }));
    // Zeros are written in less time than a second program takes to compile and to keep.
    if (index === 0) for (const name of this.#ofHead) this.#gradientOf(name, memory).fill(0);
    const program = await programs.get(`head ${loss}`, () => headGradientProgram(config, loss));
    for (const span of spans) {
      const wanted = targets.slice(span.start, span.end);
      const feeds = {
        ...parameters,
        ...cutInputs(inputs, picked.length, span),
        ...(wanted.length > 0 && { targets: indexTensor(wanted, [wanted.length]) }),
        x: pickRows(x, picked, span),
      };
      const outputs = await this.#sumsOf(memory).run(program, feeds, {}, summed);
      addRows(g.data as Float32Array, picked, outputs['grad.x'] as Tensor, span.start);
      if (outputs['grad.rows']) addRows(this.#gradientOf(this.#table, memory), wanted, outputs['grad.rows']);
      results.loss += floats(outputs, 'loss')[0] as number;
      for (const name of ['prob', 'top', 'score'].filter((each) => outputs[each])) {
        results.perToken[name] ??= new Float32Array(picked.length);
        results.perToken[name].set(floats(outputs, name), span.start);
      }
    }
    return results;
  }

  async #layer(
    layer: number,
    parameters: Tensors,
    inputs: Tensors,
    gradX: Tensor,
    memory: GradientMemory,
    { index }: Place,
  ): Promise<void> {
    const { config, programs, layers } = this.#options;
    const onto = index > 0;
    const program = await programs.get(`layer gradient ${onto}`, () => layerGradientProgram(config, onto));
    const summed = this.#ofLayer.map((role) => ({ role, name: `model.layers.${layer}.${role}` }));
    const all = { ...layers.ofLayer(layer, parameters), ...inputs };
    await this.#sumsOf(memory).run(program, all, { 'grad.x': gradX }, summed);
  }

  /**
   * The rows of the embedding are summed by themselves, and added when the step is whole: a tied table has the head's gradients first, of
   * all micro-batches, whatever the number of workers.
   */
  #embedding(ids: readonly number[], g: Tensor, memory: GradientMemory, { index, last }: Place) {
    if (!this.#options.layout.tensors.some(({ name }) => name === embedding)) return;
    const { rowOf, rows } = memory.embedding;
    if (index === 0) rows.fill(0);
    addRows(
      rows,
      ids.map((id) => rowOf[id] as number),
      g,
    );
    if (!last) return;
    const gradient = this.#gradientOf(embedding, memory);
    if (!this.#ofHead.includes(embedding)) gradient.fill(0);
    const { hiddenSize } = this.#options.config;
    const ofRow: number[] = [];
    for (const [id, row] of rowOf.entries()) if (row >= 0) ofRow[row] = id;
    addRows(gradient, ofRow, floatTensor(rows.subarray(0, ofRow.length * hiddenSize), [ofRow.length, hiddenSize]));
  }

  get #table(): string {
    return this.#ofHead.find((name) => name !== 'model.norm.weight') as string;
  }

  #gradientOf(name: string, { gradient }: GradientMemory): Float32Array {
    const { offset, size } = this.#options.layout.tensors.find((tensor) => tensor.name === name) as {
      offset: number;
      size: number;
    };
    return gradient.subarray(offset, offset + size);
  }

  /** A step's gradient always lies in the same memory. */
  #sumsOf({ gradient }: GradientMemory): GradientSums {
    const { layout, runtime } = this.#options;
    const make = () => (runtime.inPlace ? new SharedSums(layout, gradient, runtime) : new CopiedSums(layout, gradient));
    return (this.#sums ??= make());
  }
}

function trainedNames(tensors: readonly ParameterTensor[]): string[] {
  return tensors.filter(({ trained }) => trained).map(({ name }) => name);
}

interface HeadOutputs {
  loss: number;
  /** `prob`, `top`, `score`, for each picked token. */
  readonly perToken: Record<string, Float32Array>;
}

function feedsOf(batch: TrainingBatch): LossFeeds {
  if (batch.loss === 'pairwise') return pairFeeds(batch.pairs);
  if (batch.loss === 'policy') return policyFeeds(batch);
  return supervisedFeeds(batch.sequences);
}

function microBatchResult({ loss, perToken }: HeadOutputs, batch: TrainingBatch): MicroBatchResult {
  const { prob = new Float32Array(), top = new Float32Array(), score = new Float32Array() } = perToken;
  const result = { loss, probs: [], top: [], scores: [] };
  if (batch.loss === 'pairwise') return { ...result, scores: pairScores(score, batch.pairs) };
  if (batch.loss === 'policy') return { ...result, probs: completionNumbers(prob, batch.sequences) };
  return { ...result, probs: trainedNumbers(prob, batch.sequences), top: trainedNumbers(top, batch.sequences) };
}
