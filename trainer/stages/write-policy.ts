import { firstNotFinite } from '../checkpoint/first-not-finite.ts';
import { writeModelDirectory } from '../checkpoint/write-model-directory.ts';
import { DivergedError } from '../contract/errors.ts';
import type { Policy } from './policy.ts';

/**
 * Writes a policy as a Hugging Face directory.
 *
 * @throws DivergedError if a weight is not finite
 */
export async function writePolicy(policy: Policy, directory: string): Promise<void> {
  requireFiniteWeights(policy);
  const { hfConfig, engine, tokenizerDirectory } = policy;
  const { layout, parameters } = engine;
  await writeModelDirectory(directory, { hfConfig, layout, parameters, tokenizerFrom: tokenizerDirectory });
}

/** The update of the last step has no loss that would show it. */
function requireFiniteWeights({ engine: { parameters, layout } }: Policy): void {
  const bad = firstNotFinite(parameters);
  if (bad < 0) return;
  const tensor = layout.tensors.find(({ offset, size }) => bad < offset + size);
  throw new DivergedError(`the tensor ${tensor?.name} holds ${parameters[bad]}; expected finite weights`);
}
