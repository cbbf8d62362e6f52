import { describe, expect, test } from '@jest/globals';
import {
  LearningCheck,
  type LearningFinding,
  type LearningSetting,
} from '../../../trainer/algorithms/learning-check.ts';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { grpoLines, rewardModelLines, sftLines } from '../../support/synthetic-run/curves.ts';

type Lines = readonly Readonly<Record<string, number>>[];
interface Judged extends LearningSetting {
  readonly ended: boolean;
}

/** Reasons found in lines of `metrics.jsonl`, which count from step 1. */
function reasons(lines: Lines, check: Partial<Judged> = {}): string[] {
  return findings(lines, check).map(({ reason }) => reason);
}

function findings(lines: Lines, { ended = false, ...setting }: Partial<Judged> = {}): LearningFinding[] {
  const check = new LearningCheck({ stepsPerRollout: 1, groupsPerRollout: 8, ...setting });
  for (const [at, line] of lines.entries()) check.see(at + 1, line);
  return check.findings(ended);
}

function times(count: number, line: (step: number) => Record<string, number>): Record<string, number>[] {
  return Array.from({ length: count }, (_, at) => line(at + 1));
}

const learning = { reward: 0.5, frac_reward_zero_std: 0.25, abstained_frac: 0, 'rewards/accuracy/mean': 0.5, kl: 0.1 };
const silent = { ...learning, reward: 0, frac_reward_zero_std: 1, 'rewards/accuracy/mean': 0 };
const noise = (at: number): number => uniform(randomKey('learning-check'), at) - 0.5;

describe('nothing is said of', () => {
  test.each([
    { name: 'a GRPO stage that learns', lines: grpoLines(200, 0.3, 0.9, 1) },
    { name: 'an SFT stage that learns', lines: sftLines(200, 1.4, 0.4, 1) },
    { name: 'a reward model that learns', lines: rewardModelLines(120, 1) },
    { name: 'a pre-training from random weights', lines: sftLines(1000, 5.5, 1, 2) },
    {
      name: 'a reward for a few of the prompts',
      lines: times(20, (step) => ({ ...learning, 'rewards/python/abstain_frac': step === 2 ? 0.9 : 1 })),
    },
    { name: 'a beginning', lines: times(4, () => silent) },
    {
      name: 'a loss that fell at once and rests',
      lines: times(2000, (step) => ({ loss: step < 9 ? 2 : 0.5 + 0.1 * noise(step) })),
    },
    {
      name: 'a fine-tuning that was nearly done before it began', // `sft` of examples/r1-tiny.yaml
      lines:
        '0.053 0.048 0.034 0.033 0.031 0.029 0.021 0.036 0.029 0.025 0.019 0.028 0.034 0.034 0.027 0.037 0.020 0.030 0.025 0.019 0.023 0.030 0.022 0.016 0.038 0.010 0.027 0.037 0.042 0.020 0.018 0.023 0.024 0.019 0.028 0.025 0.041 0.008 0.016 0.028 0.016 0.022 0.007 0.033 0.025 0.028 0.017 0.011 0.100 0.013 0.016 0.021 0.047 0.014 0.016 0.020 0.030 0.018 0.025 0.012'
          .split(' ')
          .map((loss) => ({ loss: Number(loss) })),
    },
    {
      name: 'a loss within its warm-up',
      lines: times(80, (step) => ({ loss: 2 + 0.1 * noise(step), learning_rate: step / 1000 })),
    },
    {
      name: 'rollouts of which one in thirteen had a signal',
      lines: times(60, (step) => (step % 13 === 0 ? learning : silent)),
    },
    {
      name: 'completions of which one in ten ends',
      lines: times(200, () => ({ ...learning, 'completions/clipped_ratio': 0.9 })),
    },
    {
      name: 'a model that learns to end within forty rollouts',
      lines: times(200, (step) => ({ ...learning, 'completions/clipped_ratio': Math.max(0.1, 1 - step / 44) })),
    },
    {
      name: 'one rollout of which the verifier could judge little',
      lines: [...times(9, () => learning), { ...learning, abstained_frac: 0.9 }],
    },
  ])('$name', ({ lines }) => {
    const every = Math.ceil(lines.length / 100);
    for (let end = lines.length; end > 0; end -= every) expect(reasons(lines.slice(0, end))).toEqual([]);
  });
});

describe('something is said of', () => {
  test.each<{
    name: string;
    lines: Record<string, number>[];
    check?: Partial<Judged>;
    reason: string;
    words: RegExp;
  }>([
    {
      name: 'rewards that are all 0',
      lines: times(13, () => silent),
      reason: 'NoSignal',
      words: /^no completion has been rewarded since step 1 /,
    },
    {
      name: 'groups that score alike from some step on',
      lines: [...times(7, () => learning), ...times(13, () => ({ ...silent, reward: 0.4 }))],
      reason: 'NoSignal',
      words: /differ in reward since step 8 \(mean reward 0.4\)/,
    },
    {
      name: 'a short stage without a signal, once it has ended',
      lines: times(6, () => silent),
      check: { ended: true },
      reason: 'NoSignal',
      words: /since step 1 /,
    },
    {
      name: 'prompts that have become too easy',
      lines: [...times(7, () => learning), ...times(13, () => ({ ...silent, reward: 2, 'rewards/accuracy/mean': 1 }))],
      reason: 'NothingLeftToLearn',
      words: /every completion has been right since step 8/,
    },
    {
      name: 'completions that the verifier cannot judge',
      lines: times(5, () => ({ ...learning, abstained_frac: 0.4 })),
      reason: 'Abstained',
      words: /could not judge 40 %/,
    },
    {
      name: 'verifiers that abstain from everything, under its own name alone',
      lines: times(20, () => ({ ...silent, abstained_frac: 1 })),
      reason: 'Abstained',
      words: /100 %/,
    },
    {
      name: 'a reward that has scored nothing so far',
      lines: times(5, () => ({ ...learning, 'rewards/python/abstain_frac': 1 })),
      reason: 'RewardSilent',
      words:
        /^the reward python has abstained on every completion so far, of 5 rollouts: the other rewards alone decide/,
    },
    {
      name: 'a reward that has scored nothing in a short stage',
      lines: times(2, () => ({ ...learning, 'rewards/units/abstain_frac': 1 })),
      check: { ended: true },
      reason: 'RewardSilent',
      words: /of 2 rollouts/,
    },
    {
      name: 'completions that are all cut off',
      lines: times(50, () => ({ ...learning, 'completions/clipped_ratio': 1 })),
      reason: 'CutOff',
      words: /^100 % of the completions of the last 50 rollouts were cut off at maxNewTokens/,
    },
    {
      name: 'a policy that comes apart',
      lines: times(9, (step) => ({ ...learning, kl: 2 ** step })),
      reason: 'KlExploded',
      words: /nats a token/,
    },
    {
      name: 'a loss that explodes',
      lines: times(40, (step) => ({ loss: 1 + step / 10 })),
      reason: 'LossExploded',
      words: /risen from 1\.55 to 4\.55/,
    },
    {
      name: 'a loss that stays',
      lines: times(60, (step) => ({ loss: 2 + 0.1 * Math.abs(noise(step)), learning_rate: 0 })),
      reason: 'LossNotFalling',
      words: /not fallen measurably: 2\.0\d in the first/,
    },
  ])('$name', ({ lines, check, reason, words }) => {
    expect(findings(lines, check)).toEqual([{ reason, message: expect.stringMatching(words) }]);
    expect(findings(lines, check)[0]?.message.length).toBeLessThanOrEqual(300);
  });
});

test('mini-batches of one rollout count once', () => {
  const lines = times(64, () => silent);
  expect(reasons(lines, { stepsPerRollout: 16, groupsPerRollout: 128 })).toEqual([]);
  expect(reasons([...lines, ...times(16, () => silent)], { stepsPerRollout: 16, groupsPerRollout: 128 })).toEqual([
    'NoSignal',
  ]);
});
