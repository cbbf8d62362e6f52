import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import { UserError } from '../../contract/process/errors.ts';
import { boundedLog } from '../../losses/bounded-ratio.ts';
import type { RolloutRequest, Scored } from './draw-groups.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';

/**
 * Has a teacher say of each token of the policy's own completions how likely it was. With `log teacher − log policy` as its advantage the
 * gradient of the loss is that of the reverse KL(policy ‖ teacher) at each token, on what the policy samples.
 *
 * Sources: Agarwal et al., arXiv:2306.13649 (GKD, on-policy); Gu et al., arXiv:2306.08543 (MiniLLM), eq. 2.
 *
 * @throws UserError if the teacher has other tokens
 */
export async function withTeacher<T extends Pick<Scored, 'promptIds' | 'completionIds' | 'sampled' | 'oldProbs'>>(
  { settings, teacher: open }: RolloutRequest,
  policy: Policy,
  completions: readonly T[],
): Promise<{ readonly completions: readonly (T & { tokenAdvantages?: Float32Array })[]; readonly metrics: Metrics }> {
  const { distillation, sampling } = settings;
  if (distillation === undefined || open === undefined) return { completions, metrics: {} };
  const teacher = await open();
  requireSameTokens(distillation.from, teacher, policy);
  const { temperature } = sampling;
  const likely = await teacher.engine.tokenProbabilities(completions, { temperature });
  const gaps = zip(completions, likely).map(([{ oldProbs }, probs]) =>
    probs.map((prob, token) => boundedLog(prob) - boundedLog(oldProbs[token])),
  );
  return {
    completions: zip(completions, gaps).map(([completion, gap]) => ({
      ...completion,
      tokenAdvantages: gap.map((nats) => distillation.coefficient * nats),
    })),
    metrics: { teacher_kl: -mean(gaps.flatMap((gap) => [...gap])) },
  };
}

/** A token has to have the same id in both. Two vocabularies of one size are taken for one. */
function requireSameTokens(name: string, teacher: Policy, policy: Policy): void {
  const [found, expected] = [teacher.config.vocabularySize, policy.config.vocabularySize];
  if (found === expected) return;
  throw new UserError(
    `grpo.distillation.from: the model of ${name} has a vocabulary of ${found} tokens, expected that of the policy, of ${expected}`,
  );
}
