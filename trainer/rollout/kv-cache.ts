import { floatTensor, type Tensor } from '../runtime/tensor.ts';

/** What the size of a cache depends on. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
}

/** Bytes of the keys and values of one token, over all layers. */
export function kvBytesPerToken({ layers, kvHeads, headDim }: KvShape): number {
  return 2 * layers * kvHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
}

/** Keys and values as tensors of programs: views of the cache, of one number of rows and one width. */
export interface KvTensors {
  /** Per layer, [rows · kvHeads · width, headDim] */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/**
 * Keys and values of the sequences being decoded, one row each, all layers. The program of a step writes those of the new tokens.
 *
 *   one layer:  row 0 ┬ head 0 ─ width × headDim      Rows leave by copying the last row over theirs. A new width moves
 *                     └ head 1 ─ width × headDim      every line in place. Positions behind a row's newest token may hold
 *               row 1 ┬ …                             old numbers: nobody looks at them.
 */
export class KvCache {
  readonly #shape: KvShape;
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  #room = 0;
  #width = 0;

  constructor(shape: KvShape) {
    this.#shape = shape;
  }

  /** Positions that every row has room for at the moment. */
  get width(): number {
    return this.#width;
  }

  /** Makes room for `rows` rows of up to `width` positions. The cache is empty afterwards. */
  reserve(rows: number, width: number): void {
    const { layers, kvHeads, headDim } = this.#shape;
    this.#width = 0;
    if (rows * width <= this.#room) return;
    const buffers = () => Array.from({ length: layers }, () => new Float32Array(rows * kvHeads * width * headDim));
    this.#keys = buffers();
    this.#values = buffers();
    this.#room = rows * width;
  }

  /** Changes the width, keeping the first `rows` rows, whose sequences must fit. */
  setWidth(width: number, rows: number): void {
    const { kvHeads, headDim } = this.#shape;
    for (const cache of [...this.#keys, ...this.#values]) {
      moveLines(cache, rows * kvHeads, this.#width * headDim, width * headDim);
    }
    this.#width = width;
  }

  /**
   * Copies the leading positions of a prompt into a row.
   *
   * @param keys [prompts, kvHeads, length, headDim], as is `values`; `prompt` is the row of both
   * @param taken positions to copy, at most `length`
   */
  writePrompt(
    layer: number,
    row: number,
    { keys, values }: { readonly keys: Float32Array; readonly values: Float32Array },
    prompt: number,
    length: number,
    taken: number,
  ): void {
    const { kvHeads, headDim } = this.#shape;
    for (let head = 0; head < kvHeads; head++) {
      const from = (prompt * kvHeads + head) * length * headDim;
      const to = (row * kvHeads + head) * this.#width * headDim;
      this.#keys[layer]?.set(keys.subarray(from, from + taken * headDim), to);
      this.#values[layer]?.set(values.subarray(from, from + taken * headDim), to);
    }
  }

  /** Copies row `from` over row `to`. */
  copyRow(from: number, to: number): void {
    const size = this.#shape.kvHeads * this.#width * this.#shape.headDim;
    for (const cache of [...this.#keys, ...this.#values]) cache.copyWithin(to * size, from * size, (from + 1) * size);
  }

  /** The first `rows` rows. They follow later writes, until the width or the room changes. */
  tensors(rows: number): KvTensors {
    const { kvHeads, headDim } = this.#shape;
    const lines = rows * kvHeads * this.#width;
    const view = (cache: Float32Array) => floatTensor(cache.subarray(0, lines * headDim), [lines, headDim]);
    return { keys: this.#keys.map(view), values: this.#values.map(view) };
  }
}

/** Changes the size of the first `count` lines of a buffer in place. */
function moveLines(buffer: Float32Array, count: number, oldSize: number, newSize: number): void {
  const size = Math.min(oldSize, newSize);
  for (let i = 0; i < count; i++) {
    const line = newSize > oldSize ? count - 1 - i : i; // in the order that overwrites no line still to be moved
    buffer.copyWithin(line * newSize, line * oldSize, line * oldSize + size);
  }
}
