import { join } from 'node:path';
import { writeAdapter } from '../../checkpoint/adapter-directory.ts';
import { firstNotFinite } from '../../checkpoint/first-not-finite.ts';
import { writeModelDirectory } from '../../checkpoint/write-model-directory.ts';
import { adapterDirectory } from '../../contract/files/checkpoint.ts';
import { DivergedError } from '../../contract/process/errors.ts';
import { withoutAdapters } from '../../models/config.ts';
import { adapterMerger } from '../../models/merge-adapters.ts';
import { parameterLayout } from '../../models/parameters.ts';
import type { Policy } from './policy.ts';

/**
 * Writes a policy as a Hugging Face directory; one with adapters with these merged into its weights, and they themselves in `adapter/`.
 *
 * @throws DivergedError if a weight is not finite
 */
export async function writePolicy(policy: Policy, directory: string): Promise<void> {
  await requireFiniteWeights(policy);
  const { config, head, hfConfig, engine, tokenizerDirectory } = policy;
  const { layout } = engine;
  const merged = adapterMerger(config, layout, (tensor) => engine.readTensor(tensor));
  await writeModelDirectory(directory, {
    hfConfig,
    layout: parameterLayout(withoutAdapters(config), head),
    valuesOf: ({ name }) => merged(name),
    tokenizerFrom: tokenizerDirectory,
  });
  const { lora } = config;
  if (lora === undefined) return;
  await writeAdapter(join(directory, adapterDirectory), {
    lora,
    head,
    tensors: layout.tensors.filter(({ trained }) => trained),
    valuesOf: (tensor) => engine.readTensor(tensor),
  });
}

/** The update of the last step has no loss that would show it. */
async function requireFiniteWeights({ engine }: Policy): Promise<void> {
  for await (const { tensor, values } of engine.readParameters()) {
    const bad = firstNotFinite(values);
    if (bad >= 0) throw new DivergedError(`the tensor ${tensor.name} holds ${values[bad]}; expected finite weights`);
  }
}
