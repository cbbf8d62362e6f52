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

/** Elements `start … end − 1`, all of them decayed or none. */
export interface Segment {
  readonly start: number;
  readonly end: number;
  readonly decay: boolean;
}

/**
 * One AdamW update of a segment, with decoupled weight decay. Elementwise: how the arrays are cut into segments changes
 * no bit. Source: Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2, as in `torch.optim.AdamW`.
 *
 * @param step number of this update, from 1
 * @param gradientScale factor of the gradient (clipping)
 */
export function adamw(
  { parameters, gradient, m, v }: AdamWState,
  { start, end, decay }: Segment,
  { learningRate, betas: [beta1, beta2], epsilon, weightDecay }: AdamWSettings,
  step: number,
  gradientScale: number,
): void {
  const keep = decay ? 1 - learningRate * weightDecay : 1;
  const rate = learningRate / (1 - beta1 ** step);
  const correction = 1 / Math.sqrt(1 - beta2 ** step);
  for (let i = start; i < end; i++) {
    const g = (gradient[i] as number) * gradientScale;
    const first = beta1 * (m[i] as number) + (1 - beta1) * g;
    const second = beta2 * (v[i] as number) + (1 - beta2) * g * g;
    m[i] = first;
    v[i] = second;
    parameters[i] = keep * (parameters[i] as number) - (rate * first) / (Math.sqrt(second) * correction + epsilon);
  }
}

/** The parts of `tensors` (consecutive in a flat array) that lie in `start … end − 1`. */
export function segments(
  tensors: readonly { readonly offset: number; readonly size: number; readonly decay: boolean }[],
  start: number,
  end: number,
): Segment[] {
  return tensors
    .map(({ offset, size, decay }) => ({
      start: Math.max(start, offset),
      end: Math.min(end, offset + size),
      decay,
    }))
    .filter((segment) => segment.start < segment.end);
}
