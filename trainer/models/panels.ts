import type { OnnxProgram } from '../graph/program.ts';
import { linearPanels, panelWidth } from '../ops/linalg.ts';
import type { ModelConfig } from './config.ts';
import { type ParameterTensor, embeddingName } from './parameters.ts';
import { ProgramInputs } from './program-inputs.ts';

/** The sizes of panels: how many, what a linear layer takes, and the outputs of each. */
export type PanelShape = readonly [count: number, inputs: number, width: number];

/**
 * As panels, the weights of a linear layer take the memory that they take as a matrix. Some are read as they are: those under adapters, those
 * in bfloat16, and those of a number of outputs that leaves a panel of fewer.
 */
export function panelShape(config: ModelConfig, { name, shape, type }: ParameterTensor): PanelShape | undefined {
  const [outputs, inputs] = shape;
  if (config.lora || type !== 'float32' || outputs === undefined || inputs === undefined) return undefined;
  if (name === embeddingName && !config.tiedEmbeddings) return undefined;
  return outputs % panelWidth === 0 ? [outputs / panelWidth, inputs, panelWidth] : undefined;
}

/** Tensors as programs declare them that are given panels. */
export function withPanels(config: ModelConfig, tensors: readonly ParameterTensor[]): ParameterTensor[] {
  return tensors.map((tensor) => ({ ...tensor, shape: panelShape(config, tensor) ?? tensor.shape }));
}

/** `weights` [P, 16, K] → `panels` [P, K, 16] */
export function panelsProgram(): OnnxProgram {
  const inputs = new ProgramInputs();
  return inputs.write({ panels: linearPanels(inputs.add('weights', ['P', panelWidth, 'K'])) });
}
