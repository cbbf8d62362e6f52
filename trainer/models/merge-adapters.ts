import type { ModelConfig } from './config.ts';
import { adapterNames, type ParameterLayout } from './parameters.ts';

/**
 * Gives a tensor's weights with its adapter merged into them: `W + (alpha ÷ rank) · B·A`, summed in f64 and rounded once. A tensor without
 * adapter stays as it is.
 *
 * @param layout of the model with its adapters, and `parameters` in its order
 */
export function adapterMerger({ lora }: ModelConfig, { tensors }: ParameterLayout, parameters: Float32Array) {
  const placeOf = new Map(tensors.map(({ name, offset, size }) => [name, { offset, size }]));
  const valuesOf = (name: string): Float32Array | undefined => {
    const place = placeOf.get(name);
    return place && parameters.subarray(place.offset, place.offset + place.size);
  };
  return (name: string, weight: Float32Array): Float32Array => {
    const names = adapterNames(name);
    const [a, b] = [valuesOf(names.a), valuesOf(names.b)];
    return lora && a && b ? merged(weight, { a, b, rank: lora.rank, scale: lora.alpha / lora.rank }) : weight;
  };
}

interface Factors {
  /** `[rank, inputs]` */
  readonly a: Float32Array;
  /** `[outputs, rank]` */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

/** @param weight `[outputs, inputs]` */
function merged(weight: Float32Array, { a, b, rank, scale }: Factors): Float32Array {
  const inputs = a.length / rank;
  const result = new Float32Array(weight.length);
  const row = new Float64Array(inputs);
  for (let start = 0, output = 0; start < weight.length; start += inputs, output++) {
    row.set(weight.subarray(start, start + inputs));
    for (let k = 0; k < rank; k++) {
      const factor = scale * (b[output * rank + k] as number);
      const first = k * inputs;
      for (let i = 0; i < inputs; i++) row[i] = (row[i] as number) + factor * (a[first + i] as number);
    }
    result.set(row, start);
  }
  return result;
}
