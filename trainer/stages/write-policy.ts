import { join } from 'node:path';
import { writeAdapter } from '../checkpoint/adapter-directory.ts';
import { firstNotFinite } from '../checkpoint/first-not-finite.ts';
import { writeModelDirectory } from '../checkpoint/write-model-directory.ts';
import { adapterDirectory } from '../contract/checkpoint.ts';
import { DivergedError } from '../contract/errors.ts';
import { withoutAdapters } from '../models/config.ts';
import { adapterMerger } from '../models/merge-adapters.ts';
import { parameterLayout, trainedLayout } from '../models/parameters.ts';
import type { Policy } from './policy.ts';

/**
 * Writes a policy as a Hugging Face directory; one with adapters with these merged into its weights, and they themselves in `adapter/`.
 *
 * @throws DivergedError if a weight is not finite
 */
export async function writePolicy(policy: Policy, directory: string): Promise<void> {
  requireFiniteWeights(policy);
  const { config, head, hfConfig, engine, tokenizerDirectory } = policy;
  const { layout, parameters } = engine;
  await writeModelDirectory(directory, {
    hfConfig,
    layout: parameterLayout(withoutAdapters(config), head),
    parameters,
    merge: adapterMerger(config, layout, parameters),
    tokenizerFrom: tokenizerDirectory,
  });
  const { lora } = config;
  if (lora === undefined) return;
  const trained = engine.trainedParameters('policy');
  await writeAdapter(join(directory, adapterDirectory), { lora, head, layout: trainedLayout(layout), trained });
}

/** The update of the last step has no loss that would show it. */
function requireFiniteWeights({ engine: { parameters, layout } }: Policy): void {
  const bad = firstNotFinite(parameters);
  if (bad < 0) return;
  const tensor = layout.tensors.find(({ offset, size }) => bad < offset + size);
  throw new DivergedError(`the tensor ${tensor?.name} holds ${parameters[bad]}; expected finite weights`);
}
