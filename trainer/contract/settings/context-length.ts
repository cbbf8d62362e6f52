import type { StageSettings } from './settings.ts';
import type { SamplingSettings } from './training.ts';

/**
 * What to say of a length that a model cannot reach: completions end where its context does.
 *
 * @param contextTokens longest sequence of the model, prompt included
 */
export function warningOfLength({ maxNewTokens }: SamplingSettings, contextTokens: number): string | undefined {
  if (maxNewTokens < contextTokens) return undefined;
  return `sampling.maxNewTokens is ${maxNewTokens}; the context of the model holds ${contextTokens} tokens, prompt included, and completions end there`;
}

/** The same of a stage that has not started: the path below it, and the sentence. */
export function lengthWarning(
  { grpo, sample }: Partial<StageSettings>,
  contextTokens: number,
): { readonly path: readonly string[]; readonly message: string } | undefined {
  const settings = grpo ?? sample;
  const message = settings && warningOfLength(settings.sampling, contextTokens);
  return message === undefined ? undefined : { path: [grpo ? 'grpo' : 'sample', 'sampling', 'maxNewTokens'], message };
}
