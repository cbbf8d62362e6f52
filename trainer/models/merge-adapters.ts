import type { ModelConfig } from './config.ts';
import { adapterNames, type ParameterLayout, type ParameterTensor } from './parameters.ts';

/**
 * Gives a tensor's weights with its adapter merged into them: `W + (alpha ÷ rank) · B·A`, summed in f64 and rounded once. A tensor without
 * adapter stays as it is.
 *
 * @param layout of the model with its adapters
 * @param read gives the numbers of one of its tensors
 */
export function adapterMerger(
  { lora }: ModelConfig,
  { tensors }: ParameterLayout,
  read: (tensor: ParameterTensor) => Promise<Float32Array>,
) {
  const tensorOf = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  return async (name: string): Promise<Float32Array> => {
    const weight = await read(tensorOf.get(name) as ParameterTensor);
    const names = adapterNames(name);
    const [a, b] = [tensorOf.get(names.a), tensorOf.get(names.b)];
    if (!lora || !a || !b) return weight;
    return merged(weight, { a: await read(a), b: await read(b), rank: lora.rank, scale: lora.alpha / lora.rank });
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
