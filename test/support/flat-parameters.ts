import type { FlatLayout, FlatTensor, ModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import type { WriteTensors } from '../../trainer/engine/backend.ts';
import type { Engine } from '../../trainer/engine/engine.ts';
import type { ModelConfig } from '../../trainer/models/config.ts';
import { initializeTensor, type ParameterLayout } from '../../trainer/models/parameters.ts';

/** Where a tensor lies in an array of all parameters, in the order of the layout. */
export function placeIn(flat: Float32Array): (tensor: Pick<FlatTensor, 'offset' | 'size'>) => Float32Array {
  return ({ offset, size }) => flat.subarray(offset, offset + size);
}

/** Writes the tensors of a layout from such an array. */
export function fromFlat({ tensors }: Pick<ParameterLayout, 'tensors'>, flat: Float32Array): WriteTensors {
  return async (memoryOf) => {
    for (const tensor of tensors) (await memoryOf(tensor)).set(placeIn(flat)(tensor));
  };
}

/** A copy of a set of parameters as it is now. */
export async function parametersOf(engine: Engine, set = 'policy'): Promise<Float32Array> {
  const flat = new Float32Array(engine.layout.size);
  for await (const { tensor, values } of engine.readParameters(set)) flat.set(values, tensor.offset);
  return flat;
}

export async function readFlat(
  model: ModelDirectory,
  layout: FlatLayout,
  mayBeMissing?: readonly string[],
): Promise<Float32Array> {
  const flat = new Float32Array(layout.size);
  await model.readParameters(layout, placeIn(flat), mayBeMissing);
  return flat;
}

export function freshParameters({ tensors, size }: ParameterLayout, config: ModelConfig, seed: number): Float32Array {
  const flat = new Float32Array(size);
  for (const tensor of tensors) initializeTensor(placeIn(flat)(tensor), tensor, config, seed);
  return flat;
}
