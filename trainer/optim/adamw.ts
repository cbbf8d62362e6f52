/** Settings of one AdamW update. */
export interface AdamWSettings {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** Flat arrays of equal length; all but `gradient` are updated in place. */
export interface AdamWState {
  readonly parameters: Float32Array;
  readonly gradient: Float32Array;
  /** First moment. */
  readonly m: Float32Array;
  /** Second moment. */
  readonly v: Float32Array;
}

/** Elements `start … end − 1`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** All of them decayed or none. */
export interface Segment extends Range {
  readonly decay: boolean;
}

/**
 * Factors of an update, computed in float64 and rounded once: gradient scale (clipping), β₁, 1 − β₁, β₂, 1 − β₂, ηλ,
 * η ÷ (1 − β₁ᵗ), 1 ÷ √(1 − β₂ᵗ), ε.
 *
 * @param step t, the number of this update, from 1
 * @param decay whether the parameters are decayed
 */
export function adamwFactors(
  { learningRate, betas: [beta1, beta2], epsilon, weightDecay }: AdamWSettings,
  step: number,
  gradientScale: number,
  decay: boolean,
): Float32Array {
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  const decayed = decay ? learningRate * weightDecay : 0;
  return Float32Array.of(gradientScale, beta1, 1 - beta1, beta2, 1 - beta2, decayed, rate, correction, epsilon);
}

/** Number of factors of an update. */
export const adamwFactorCount = 9;

/**
 * One AdamW update of a segment, with decoupled weight decay. Elementwise: how the arrays are cut into segments changes no bit. Decay is
 * part of what is subtracted, for in float32 1 − ηλ would round much of a small ηλ away.
 *
 * Source: Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2, as in `torch.optim.AdamW`.
 */
export function adamw({ parameters, gradient, m, v }: AdamWState, { start, end }: Range, factors: Float32Array): void {
  const [scale, beta1, rest1, beta2, rest2, decay, rate, correction, epsilon] = [...factors] as Factors;
  for (let i = start; i < end; i++) {
    const p = parameters[i] as number;
    const g = (gradient[i] as number) * scale;
    const first = beta1 * (m[i] as number) + rest1 * g;
    const second = beta2 * (v[i] as number) + rest2 * g * g;
    m[i] = first;
    v[i] = second;
    parameters[i] = p - (decay * p + (rate * first) / (Math.sqrt(second) * correction + epsilon));
  }
}

type Factors = [number, number, number, number, number, number, number, number, number];

/** The parts of `tensors` (consecutive in a flat array) that lie in `start … end − 1`; neighbours that are decayed alike are one. */
export function segments(
  tensors: readonly { readonly offset: number; readonly size: number; readonly decay: boolean }[],
  start: number,
  end: number,
): Segment[] {
  const all: Segment[] = [];
  for (const { offset, size, decay } of tensors) {
    const part = { start: Math.max(start, offset), end: Math.min(end, offset + size), decay };
    if (part.start >= part.end) continue;
    const last = all.at(-1);
    if (last?.decay === decay) all[all.length - 1] = { ...part, start: last.start };
    else all.push(part);
  }
  return all;
}
