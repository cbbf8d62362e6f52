import type { Policy } from '../../trainer/stages/policy/policy.ts';
import type { GenerationRequest } from '../../trainer/engine/engine.ts';
import type { Tokenizer } from '../../trainer/tokenizers/tokenizer.ts';

export interface ScriptedPolicy {
  readonly policy: Policy;
  /** Prompts of all requests, a list for each round. */
  readonly rounds: readonly (readonly GenerationRequest[])[];
}

/** A policy that writes what a script says of a prompt, cut at the longest length, each token with a probability of its own. */
export function scriptedPolicy(
  tokenizer: Tokenizer,
  script: (prompt: string) => string,
  maxLength = 4096,
): ScriptedPolicy {
  const rounds: GenerationRequest[][] = [];
  const generate = async (requests: readonly GenerationRequest[]) => {
    rounds.push([...requests]);
    return requests.map(({ promptIds, sampling }) => {
      const whole = [...tokenizer.encode(script(tokenizer.decode(promptIds))), tokenizer.stopIds[0] as number];
      const tokenIds = whole.slice(0, sampling.maxNewTokens);
      const probs = Float32Array.from(tokenIds, (_, at) => 1 / (2 + promptIds.length + at));
      return { tokenIds, probs, finish: tokenIds.length < whole.length ? ('length' as const) : ('stop' as const) };
    });
  };
  return { policy: { tokenizer, config: { maxLength }, generate } as unknown as Policy, rounds };
}
