import type { OnnxProgram } from '../graph/program.ts';
import { linearPanels, panelDims, panelWidth } from '../ops/linalg.ts';
import type { ModelConfig } from './config.ts';
import { type ParameterLayout, type ParameterTensor, embeddingName } from './parameters.ts';
import { ProgramInputs } from './program-inputs.ts';

/**
 * The sizes of a tensor's panels, which take the memory that it takes as a matrix. Some are read as they are: those under adapters, those of a
 * number of outputs that leaves a panel of fewer, and those that are not in the precision of the model's products.
 */
export function panelShape(
  config: ModelConfig,
  { name, shape, type }: Pick<ParameterTensor, 'name' | 'shape' | 'type'>,
): readonly number[] | undefined {
  const [outputs, inputs] = shape;
  if (config.lora || outputs === undefined || inputs === undefined) return undefined;
  if (type !== (config.precision === 'bf16' ? 'bfloat16' : 'float32')) return undefined;
  if (name === embeddingName && !config.tiedEmbeddings) return undefined;
  return panelDims(type, outputs, inputs);
}

/** Of all panels of a layout; 0 where nothing of it can lie in panels. */
export function panelBytes(config: ModelConfig, { tensors }: ParameterLayout): number {
  const packed = tensors.filter((tensor) => panelShape(config, tensor) !== undefined);
  return packed.reduce((sum, { type, size }) => sum + size * (type === 'bfloat16' ? 2 : 4), 0);
}

/** Tensors as programs declare them that are given panels. */
export function withPanels(config: ModelConfig, tensors: readonly ParameterTensor[]): ParameterTensor[] {
  return tensors.map((tensor) => ({ ...tensor, shape: panelShape(config, tensor) ?? tensor.shape }));
}

/** `weights` [P, rows of a panel, K] → `panels` */
export function panelsProgram(type: ParameterTensor['type']): OnnxProgram {
  const inputs = new ProgramInputs();
  return inputs.write({ panels: linearPanels(inputs.add('weights', ['P', panelWidth(type), 'K'], type)) });
}
