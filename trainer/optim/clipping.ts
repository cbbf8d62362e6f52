import type { Range } from './adamw.ts';

/** Σ x² in float64. Four sums side by side hide the latency of the addition. */
export function sumOfSquares(values: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= values.length; i += 4) {
    const w = values[i] as number;
    const x = values[i + 1] as number;
    const y = values[i + 2] as number;
    const z = values[i + 3] as number;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (; i < values.length; i++) a += (values[i] as number) ** 2;
  return a + b + (c + d);
}

const largestBlock = 2 ** 22;
/** At least so many where there are enough elements, so that several devices have some of a small model, too. */
const fewestBlocks = 8;

/** The parts of a gradient whose squares are summed at a time, so that the sum does not depend on who sums them. */
export function squareBlocks(size: number): Range[] {
  const block = Math.min(largestBlock, Math.ceil(size / fewestBlocks));
  return Array.from({ length: Math.ceil(size / block) }, (_, index) => ({
    start: index * block,
    end: Math.min(size, (index + 1) * block),
  }));
}

/** The factor that brings a gradient of this global L2 norm down to `maxNorm`; 0 turns clipping off. */
export function clipFactor(norm: number, maxNorm: number): number {
  return maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1;
}
