import type { WriteTensors } from '../../trainer/engine/backend.ts';
import type { ModelConfig } from '../../trainer/models/config.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';

/** Weights of no meaning, but of the right size: drawing half a billion of numbers would take longer than what is measured. */
export function noiseWeights(config: ModelConfig): WriteTensors {
  const noise = Float32Array.from({ length: 65_521 }, (_, at) => 0.035 * (((at * 7919) % 65_521) / 65_521 - 0.5));
  return async (memoryOf) => {
    for (const tensor of parameterLayout(config, 'lm').tensors) {
      // oxlint-disable-next-line no-await-in-loop -- a tensor at a time
      const numbers = await memoryOf(tensor);
      if (tensor.shape.length === 1) numbers.fill(tensor.name.endsWith('.bias') ? 0 : 1);
      else
        for (let at = 0; at < numbers.length; at += noise.length)
          numbers.set(noise.subarray(0, numbers.length - at), at);
    }
  };
}
