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

/** Keys, values and mask as graph inputs: views of the cache, of one number of rows and one width. */
export interface KvTensors {
  /** Per layer, [rows, kvHeads, width, headDim]. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** [rows, 1, 1, width]: 0 where a position holds a token of the row's sequence, −1e9 elsewhere. */
  readonly bias: Tensor;
}

/** Low enough that the exponential is exactly 0 beside any score, high enough to stay finite in float32. */
const masked = -1e9;

/**
 * Keys and values of the sequences being decoded, one row each, all layers. The binding copies whatever a graph puts out,
 * so the cache is an input only and its new entries are written here.
 *
 *   one layer:  row 0 ┬ head 0 ─ width × headDim      Rows leave by copying the last row over theirs. A new width moves
 *                     └ head 1 ─ width × headDim      every line in place. Positions that no token holds are masked and
 *               row 1 ┬ …                             may hold old numbers.
 */
export class KvCache {
  readonly #shape: KvShape;
  #keys: Float32Array[] = [];
  #values: Float32Array[] = [];
  #bias = new Float32Array(0);
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
    if (rows * width <= this.#bias.length) return;
    const buffers = () => Array.from({ length: layers }, () => new Float32Array(rows * kvHeads * width * headDim));
    this.#keys = buffers();
    this.#values = buffers();
    this.#bias = new Float32Array(rows * width);
  }

  /** Changes the width, keeping the first `rows` rows, whose sequences must fit. */
  setWidth(width: number, rows: number): void {
    const { kvHeads, headDim } = this.#shape;
    for (const cache of [...this.#keys, ...this.#values]) {
      moveLines(cache, rows * kvHeads, this.#width * headDim, width * headDim);
    }
    moveLines(this.#bias, rows, this.#width, width);
    for (let row = 0; row < rows; row++) {
      this.#bias.fill(masked, row * width + Math.min(this.#width, width), (row + 1) * width);
    }
    this.#width = width;
  }

  /** Marks the positions below `length` of a row as taken and all others as free. */
  setLength(row: number, length: number): void {
    const start = row * this.#width;
    this.#bias.fill(0, start, start + length).fill(masked, start + length, start + this.#width);
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

  /**
   * Writes the new key and value of each row at the row's position.
   *
   * @param keys [rows, kvHeads, headDim], as is `values`
   */
  writeTokens(layer: number, positions: Int32Array, keys: Float32Array, values: Float32Array, rows: number): void {
    const { kvHeads, headDim } = this.#shape;
    const [cachedKeys, cachedValues] = [this.#keys[layer] as Float32Array, this.#values[layer] as Float32Array];
    let from = 0;
    for (let row = 0; row < rows; row++) {
      for (let head = 0; head < kvHeads; head++) {
        const to = ((row * kvHeads + head) * this.#width + (positions[row] as number)) * headDim;
        for (let i = 0; i < headDim; i++) {
          cachedKeys[to + i] = keys[from + i] as number;
          cachedValues[to + i] = values[from + i] as number;
        }
        from += headDim;
      }
    }
  }

  /** Marks each row's position as taken. */
  takePositions(positions: Int32Array, rows: number): void {
    for (let row = 0; row < rows; row++) this.#bias[row * this.#width + (positions[row] as number)] = 0;
  }

  /** Copies row `from` over row `to`. */
  copyRow(from: number, to: number): void {
    const size = this.#shape.kvHeads * this.#width * this.#shape.headDim;
    for (const cache of [...this.#keys, ...this.#values]) cache.copyWithin(to * size, from * size, (from + 1) * size);
    this.#bias.copyWithin(to * this.#width, from * this.#width, (from + 1) * this.#width);
  }

  /** The first `rows` rows as graph inputs. They follow later writes, until the width or the room changes. */
  tensors(rows: number): KvTensors {
    const { kvHeads, headDim } = this.#shape;
    const dims = [rows, kvHeads, this.#width, headDim];
    const view = (cache: Float32Array) => floatTensor(cache.subarray(0, rows * kvHeads * this.#width * headDim), dims);
    return {
      keys: this.#keys.map(view),
      values: this.#values.map(view),
      bias: floatTensor(this.#bias.subarray(0, rows * this.#width), [rows, 1, 1, this.#width]),
    };
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
