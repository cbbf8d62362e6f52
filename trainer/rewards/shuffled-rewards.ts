import { randomKey, shuffled } from '../algorithms/random.ts';
import { zip } from '../algorithms/zip.ts';
import type { Completion, Rewards, ScoredCompletion } from './create-rewards.ts';

/**
 * The same rewards, dealt out among all completions that are scored together: they are as many and as high, and say nothing of what was
 * written. A negative control. What the verifier found of a completion stays with it.
 *
 * @param seed of the run
 * @param stage its name; random numbers depend on both
 */
export function shuffledRewards(rewards: Rewards, seed: number, stage: string): Rewards {
  return {
    ...rewards,
    async score<C extends Completion>(completions: readonly C[], step: number) {
      const scored = await rewards.score(completions, step);
      const others = shuffled(scored, randomKey(seed, stage, 'shuffled-rewards', step));
      return zip(scored, others).map(([own, other]): C & ScoredCompletion => {
        const { unscored: _, ...rest } = own;
        const { scores, reward, unscored } = other;
        return { ...(rest as unknown as C & ScoredCompletion), scores, reward, ...(unscored && { unscored }) };
      });
    },
  };
}
