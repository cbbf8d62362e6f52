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

/** Elements of a gradient whose squares are summed at a time, so that the sum does not depend on who sums them. */
export const squareBlock = 2 ** 22;

/** The factor that brings a gradient of this global L2 norm down to `maxNorm`; 0 turns clipping off. */
export function clipFactor(norm: number, maxNorm: number): number {
  return maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1;
}
