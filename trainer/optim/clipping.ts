/**
 * Elements summed into one partial sum of squares. Fixed, so that the norm does not depend on how the gradient is shared
 * out between workers.
 */
export const normBlock = 65_536;

/** Σ x² of elements `start … end − 1`, in float64. Four sums side by side hide the latency of the addition. */
export function sumOfSquares(values: Float32Array, start: number, end: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const w = values[i] as number;
    const x = values[i + 1] as number;
    const y = values[i + 2] as number;
    const z = values[i + 3] as number;
    a += w * w;
    b += x * x;
    c += y * y;
    d += z * z;
  }
  for (; i < end; i++) a += (values[i] as number) ** 2;
  return a + b + (c + d);
}

/** The factor that brings a gradient of this global L2 norm down to `maxNorm`; 0 turns clipping off. */
export function clipFactor(norm: number, maxNorm: number): number {
  return maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1;
}
