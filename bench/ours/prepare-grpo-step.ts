import { promptsOf } from '../../trainer/data/order/prompt-order.ts';
import type { Row } from '../../trainer/contract/settings/dataset.ts';
import { grpo, type GrpoSettings } from '../../trainer/contract/settings/settings.ts';
import type { Rewards } from '../../trainer/rewards/create-rewards.ts';
import { inGroups } from '../../trainer/stages/policy/completions.ts';
import type { Policy } from '../../trainer/stages/policy/policy.ts';
import { updatePolicy } from '../../trainer/stages/grpo/policy-update.ts';
import { rollOut, withAdvantages, withReference } from '../../trainer/stages/rollout/rollout.ts';
import type { Rollout } from '../messages.ts';
import type { GrpoStepWorkload } from '../workload.ts';
import { asText } from './id-policy.ts';
import type { Work } from './serve.ts';

/** TRL's constant. */
const advantageEpsilon = 1e-4;

/** What it takes of a workload. */
type GrpoSteps = Pick<
  GrpoStepWorkload,
  'promptIds' | 'group' | 'newTokens' | 'clip' | 'klCoefficient' | 'seed' | 'hyper'
>;

/** A step of GRPO by the stage's own code: sampling, a trivial reward (the share of even tokens), one update. */
export async function prepareGrpoStep(policy: Policy, workload: GrpoSteps): Promise<Work> {
  const { promptIds, group, seed, klCoefficient } = workload;
  const settings = settingsOf(workload);
  const rows = promptIds.map((ids, at): Row => ({
    id: `${at}`,
    dataset: 'bench',
    domain: 'reasoning',
    messages: [{ role: 'user', content: asText(ids) }],
  }));
  const prompts = promptsOf(rows, seed, undefined);
  if (klCoefficient > 0) await policy.refreshReference();
  let steps = 0;

  async function repeat(): Promise<void> {
    const step = steps++;
    const { rollout } = await rollOut(policy, { settings, seed, stage: 'bench', rewards, prompts, verify, step });
    await updatePolicy(settings, policy, rollout.completions, step);
  }

  /** Takes the peer's first steps again, with its completions and rewards. */
  async function replay(rollouts: readonly Rollout[]): Promise<number[]> {
    const norms: number[] = [];
    for (const [step, { completionIds, rewards: given }] of rollouts.entries()) {
      const sequences = promptIds.flatMap((prompt, at) =>
        inGroups(completionIds, group)[at]!.map((ids) => ({ promptIds: prompt, completionIds: ids })),
      );
      // oxlint-disable-next-line no-await-in-loop -- each step starts from the weights of the one before
      const oldProbs = await policy.engine.tokenProbabilities(sequences, { temperature: 1 });
      const scored = sequences.map((sequence, at) => ({
        ...sequence,
        oldProbs: oldProbs[at]!,
        reward: given[at]!,
      }));
      // oxlint-disable-next-line no-await-in-loop
      const learnable = await withReference(settings, policy, withAdvantages(settings, inGroups(scored, group)));
      // oxlint-disable-next-line no-await-in-loop
      const { grad_norm: norm = NaN } = await updatePolicy(settings, policy, learnable, step);
      norms.push(norm);
    }
    return norms;
  }

  return {
    repeat,
    check: async ({ rollouts }) => ({ numbers: { 'gradient norm': await replay(rollouts ?? []) } }),
  };
}

function settingsOf({ promptIds, group, newTokens, clip, klCoefficient, hyper }: GrpoSteps): GrpoSettings {
  const { learningRate, betas, ...optimizer } = hyper;
  return grpo.parse({
    prompts: ['bench'],
    steps: 1_000_000,
    promptsPerStep: promptIds.length,
    group,
    advantageEpsilon,
    clip: { low: clip, high: clip },
    kl: { coefficient: klCoefficient, referenceEvery: 0 },
    sampling: { maxNewTokens: newTokens },
    rewards: [{ random: {} }], // the schema wants one; the share of even tokens is no reward of the product
    learningRate,
    optimizer: { ...optimizer, betas: [...betas] },
  });
}

const verify = async () => []; // one try each
const rewards: Rewards = {
  names: [],
  weights: [],
  score: async (completions) =>
    completions.map((completion) => ({
      ...completion,
      verdict: { outcome: 'abstain', score: 0 },
      formatted: false,
      languageConsistency: 1,
      scores: {},
      reward: evenShare(completion.text),
    })),
};

/** @param text ids, which the tokenizer of the benchmark writes as numbers */
function evenShare(text: string): number {
  const ids = text.split(' ').map(Number);
  return ids.filter((id) => id % 2 === 0).length / ids.length;
}
