import { type Value, constant } from '../graph/value.ts';

export interface RotaryTables {
  readonly cos: Value;
  readonly sin: Value;
}

export interface RotarySettings {
  readonly headDim: number;
  readonly theta: number;
  readonly scaling?: RopeScaling;
}

/** Llama 3's stretching of RoPE to longer contexts (`rope_type: llama3`). */
export interface RopeScaling {
  readonly factor: number;
  readonly lowFrequencyFactor: number;
  readonly highFrequencyFactor: number;
  /** Context length of the pre-training, in tokens. */
  readonly originalMaxLength: number;
}

/**
 * Cosines and sines of `position · frequency`, `[length, headDim/2]` each. Frequencies and angles are rounded to
 * float32, as transformers does, so that distant positions agree too.
 */
export function rotaryTables(settings: RotarySettings, length: number): RotaryTables {
  const frequencies = rotaryFrequencies(settings);
  const half = frequencies.length;
  const cos = new Float32Array(length * half);
  const sin = new Float32Array(length * half);
  for (let position = 0; position < length; position++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = Math.fround(position * frequency);
      cos[position * half + i] = Math.cos(angle);
      sin[position * half + i] = Math.sin(angle);
    }
  }
  return { cos: constant(cos, [length, half]), sin: constant(sin, [length, half]) };
}

/**
 * Radians per position, `θ^(−2i/headDim)`. Llama 3 divides the frequencies whose wavelength exceeds the original
 * context by `factor`, keeps the fast ones, and blends between.
 * Source: `rope_type: llama3` in transformers, `modeling_rope_utils.py`.
 */
export function rotaryFrequencies({ headDim, theta, scaling }: RotarySettings): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = theta ** ((-2 * i) / headDim);
    if (scaling === undefined) return frequency;
    const { factor, lowFrequencyFactor, highFrequencyFactor, originalMaxLength } = scaling;
    const periods = (originalMaxLength * frequency) / (2 * Math.PI); // within the original context
    if (periods < lowFrequencyFactor) return frequency / factor;
    if (periods > highFrequencyFactor) return frequency;
    const smooth = (periods - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    return (1 - smooth) * (frequency / factor) + smooth * frequency;
  });
}
