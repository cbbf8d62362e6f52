import { sizeOf } from '../graph/shape.ts';
import type { ModelConfig } from '../models/config.ts';
import { probabilityProgram, scoreProgram } from '../models/programs.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import { floats, floatTensor, indexTensor, type Tensor, type Tensors } from '../runtime/tensor.ts';

/** Bytes of the logits that exist at a time. */
export const logitBytes = 64 * 1024 * 1024;

/** Some of the picked tokens, from `start` to before `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * Cuts picked tokens up, so that their logits take little memory: as evenly as it goes, for a product with a single row
 * would sum in another order.
 */
export function logitSpans(count: number, vocabularySize: number, bytes = logitBytes): Span[] {
  const most = Math.max(4, Math.floor(bytes / (vocabularySize * Float32Array.BYTES_PER_ELEMENT)));
  const spans = Math.ceil(count / most);
  return Array.from({ length: spans }, (_, index) => ({
    start: Math.floor((count * index) / spans),
    end: Math.floor((count * (index + 1)) / spans),
  }));
}

/** Rows of a matrix, in a matrix of their own. */
export function pickRows(matrix: Tensor, rows: readonly number[], { start, end }: Span): Tensor<'float32'> {
  const [, width] = matrix.dims as [number, number];
  const [all, picked] = [matrix.data as Float32Array, new Float32Array((end - start) * width)];
  for (let at = start; at < end; at++) {
    const row = rows[at] as number;
    picked.set(all.subarray(row * width, (row + 1) * width), (at - start) * width);
  }
  return floatTensor(picked, [end - start, width]);
}

/** `matrix[rows[start + i]] += updates[i]` */
export function addRows(matrix: Float32Array, rows: readonly number[], updates: Tensor, start = 0): void {
  const [count, width] = updates.dims as [number, number];
  const data = updates.data as Float32Array;
  for (let i = 0; i < count; i++) {
    const [to, from] = [(rows[start + i] as number) * width, i * width];
    for (let j = 0; j < width; j++) matrix[to + j] = (matrix[to + j] as number) + (data[from + j] as number);
  }
}

/** Those of some inputs with one number a picked token cut to a span; the others as they are. */
export function cutInputs(inputs: Tensors, count: number, { start, end }: Span): Tensors {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]): [string, Tensor] => {
      const { type, dims, data } = tensor;
      if (dims.length !== 1 || sizeOf(dims) !== count) return [name, tensor];
      return [name, { type, dims: [end - start], data: data.subarray(start, end) }];
    }),
  );
}

/** Runs what follows the last layer where nothing is trained. */
export class HeadRuns {
  readonly #config: ModelConfig;
  readonly #programs: ExecutableCache;

  constructor(config: ModelConfig, programs: ExecutableCache) {
    this.#config = config;
    this.#programs = programs;
  }

  /** Of each picked token's target, `[M]`. @param x the last residual stream */
  async probabilities(
    parameters: Tensors,
    x: Tensor,
    { picked, targets }: { readonly picked: readonly number[]; readonly targets: readonly number[] },
    inverseTemperature: Tensor,
  ): Promise<Float32Array> {
    const program = await this.#programs.get('probability', () => probabilityProgram(this.#config));
    const all = new Float32Array(picked.length);
    for (const span of logitSpans(picked.length, this.#config.vocabularySize)) {
      const wanted = indexTensor(targets.slice(span.start, span.end), [span.end - span.start]);
      const inputs = { x: pickRows(x, picked, span), targets: wanted, inverseTemperature };
      all.set(floats(await program.run({ ...parameters, ...inputs }), 'prob'), span.start);
    }
    return all;
  }

  /** The scalar head at each picked token, `[M]`. */
  async scores(parameters: Tensors, x: Tensor, picked: readonly number[]): Promise<Float32Array> {
    const program = await this.#programs.get('score', () => scoreProgram(this.#config));
    const rows = pickRows(x, picked, { start: 0, end: picked.length });
    return floats(await program.run({ ...parameters, x: rows }), 'score');
  }
}
