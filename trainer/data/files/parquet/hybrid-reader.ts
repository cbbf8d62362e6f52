import { DamagedParquet } from './damaged.ts';

/**
 * Numbers in Parquet's hybrid of run lengths and packed bits, one at a time: however long a run claims to be, it takes
 * no memory. https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE
 */
export class HybridReader {
  private readonly bytes: Uint8Array;
  private readonly width: number;
  private at = 0;
  private left = 0;
  /** The value of the run, or of packed bits the place of the next. */
  private value = 0;
  private packedBit: number | undefined;

  /** @param width bits of a number, 0 to 32 */
  constructor(bytes: Uint8Array, width: number) {
    if (width > 32) throw new DamagedParquet(`found numbers of ${width} bits, expected at most 32`);
    this.bytes = bytes;
    this.width = width;
  }

  /** @throws DamagedParquet where the numbers end early */
  next(): number {
    while (this.left === 0) this.startRun();
    this.left--;
    if (this.packedBit === undefined) return this.value;
    const value = this.bits(this.packedBit);
    this.packedBit += this.width;
    return value;
  }

  private startRun(): void {
    const head = this.varint();
    if (head % 2 === 1) {
      const groups = (head - 1) / 2;
      this.left = groups * 8;
      this.packedBit = this.at * 8;
      this.at += groups * this.width;
    } else {
      this.left = head / 2;
      this.packedBit = undefined;
      this.value = 0;
      for (let shift = 0; shift < this.width; shift += 8) this.value += this.byte(this.at++) * 2 ** shift;
    }
  }

  private bits(start: number): number {
    let [value, filled] = [0, 0];
    while (filled < this.width) {
      const bit = start + filled;
      const taken = Math.min(8 - (bit % 8), this.width - filled);
      value += ((this.byte(Math.floor(bit / 8)) >> (bit % 8)) & ((1 << taken) - 1)) * 2 ** filled;
      filled += taken;
    }
    return value;
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte(this.at++);
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new DamagedParquet('found a run of more than 2^32 numbers');
  }

  private byte(at: number): number {
    const byte = this.bytes[at];
    if (byte === undefined) throw new DamagedParquet('found fewer numbers than its page claims');
    return byte;
  }
}
