import { RecentMean, recentRollouts, SilentRollouts } from './rollout-figures.ts';
import { SupervisedLoss } from './supervised-loss.ts';

export interface LearningFinding {
  /** One CamelCase word. */
  readonly reason: LearningReason;
  readonly message: string;
}

export const learningReasons = [
  'NoSignal',
  'NothingLeftToLearn',
  'Abstained',
  'RewardSilent',
  'CutOff',
  'KlExploded',
  'LossExploded',
  'LossNotFalling',
] as const;
export type LearningReason = (typeof learningReasons)[number];

/** Metrics that are looked at, beside the share of completions on which each reward of one's own abstains. */
const learningMetrics = [
  'reward',
  'rewards/accuracy/mean',
  'frac_reward_zero_std',
  'abstained_frac',
  'completions/clipped_ratio',
  'kl',
  'loss',
  'learning_rate',
] as const;
export type LearningMetrics = Readonly<
  Partial<Record<(typeof learningMetrics)[number], number>> & Record<`rewards/${string}/abstain_frac`, number>
>;

const abstainsOf = /^rewards\/(.+)\/abstain_frac$/;

/** Whether a metric is looked at. */
export function isLearningMetric(name: string): name is keyof LearningMetrics {
  return learningMetrics.some((known) => known === name) || abstainsOf.test(name);
}

export interface LearningSetting {
  /** Steps that learn from one rollout and repeat its figures; 1 for supervised stages. */
  readonly stepsPerRollout: number;
  /** Prompts of a rollout. */
  readonly groupsPerRollout: number;
}

/**
 * Where one group in twenty has a signal, a hundred have none by chance with probability 0.95^100 = 0.6 %. Rollouts of
 * hundreds of prompts still get five chances, since prompts of one rollout are sampled by one policy.
 */
const silentGroups = 100;
const silentRollouts = 5;

/** A fifth of the sampling paid for and thrown away. */
const abstainedShare = 0.2;

/**
 * A base model that has yet to learn to end needs tens of rollouts for it, and a completion in twenty that ends is what it
 * learns that from.
 */
const cutShare = 0.95;
const cutRollouts = 50;

/** Nats a token. Published runs stay below 0.5; a mean of 5 is another model than the reference. */
const mostKl = 5;

/**
 * Why a stage may be learning nothing, step by step: no two completions of a group that differ in reward, verifiers or a reward that abstain,
 * completions that are all cut off, a KL or a loss that explodes, a supervised loss that does not fall. Bounds are chosen so that a run that learns is left alone; each
 * says why. What a step costs does not grow with the steps before it.
 */
export class LearningCheck {
  private readonly setting: LearningSetting;
  private readonly silent = new SilentRollouts();
  private readonly abstained = new RecentMean();
  /** Of each reward of one's own that has scored nothing so far, its rollouts; none of one that has. */
  private readonly unheard = new Map<string, Set<number> | undefined>();
  private readonly cut = new RecentMean(cutRollouts);
  private readonly kl = new RecentMean();
  private readonly loss = new SupervisedLoss();
  private isSupervised = true;

  constructor(setting: LearningSetting) {
    this.setting = setting;
  }

  /** @param step counted from 1 */
  see(step: number, metrics: LearningMetrics): void {
    const { reward, frac_reward_zero_std: silentShare, abstained_frac: abstained, kl, loss } = metrics;
    const rollout = Math.ceil(step / this.setting.stepsPerRollout);
    if (reward !== undefined) this.isSupervised = false;
    if (silentShare !== undefined) {
      const accuracy = metrics['rewards/accuracy/mean'];
      this.silent.add(rollout, step, { silentShare, reward: reward ?? 0, accuracy });
    }
    if (abstained !== undefined) this.abstained.add(rollout, abstained);
    for (const [metric, share] of Object.entries(metrics)) {
      const name = abstainsOf.exec(metric)?.[1];
      if (name !== undefined) this.hear(name, rollout, share);
    }
    const cut = metrics['completions/clipped_ratio'];
    if (cut !== undefined) this.cut.add(rollout, cut);
    if (kl !== undefined) this.kl.add(rollout, kl);
    if (loss !== undefined) this.loss.add(loss, metrics.learning_rate);
  }

  /** @param ended no step follows: what was too short to judge so far is judged as it is */
  findings(ended: boolean): LearningFinding[] {
    return [
      this.abstained.value === 1 ? undefined : this.silence(ended),
      this.abstention(),
      this.silentReward(ended),
      this.cutOff(),
      this.klExplodes(),
      ...(this.isSupervised ? [this.lossExplodes(), this.lossStays()] : []),
    ].filter((finding) => finding !== undefined);
  }

  private silence(ended: boolean): LearningFinding | undefined {
    const { stepsPerRollout, groupsPerRollout } = this.setting;
    const { count, since: lastStep, always, meanReward, meanAccuracy } = this.silent;
    const needed =
      ended && always ? silentRollouts : Math.max(silentRollouts, Math.ceil(silentGroups / groupsPerRollout));
    if (count < needed) return undefined;
    const since = `since step ${lastStep - stepsPerRollout + 1}`;
    if (meanAccuracy !== undefined && meanAccuracy > 0.999) {
      const message = `every completion has been right ${since}: nothing is left to learn from these prompts; take harder ones, or fewer steps`;
      return { reason: 'NothingLeftToLearn', message };
    }
    const found =
      meanReward === 0 ? 'no completion has been rewarded' : 'no group has had completions that differ in reward';
    const message = `${found} ${since} (mean reward ${show(meanReward)}): nothing is learned; look at the samples, and take easier prompts, another verifier or a larger group`;
    return { reason: 'NoSignal', message };
  }

  private abstention(): LearningFinding | undefined {
    const share = this.abstained.value;
    if (share === undefined || share < abstainedShare) return undefined;
    const message = `the verifier could not judge ${Math.round(100 * share)} % of the completions of the last ${recentRollouts} rollouts, which teach nothing: check the answers of the data and their kind`;
    return { reason: 'Abstained', message };
  }

  private hear(name: string, rollout: number, abstained: number): void {
    const rollouts = this.unheard.has(name) ? this.unheard.get(name) : new Set<number>();
    this.unheard.set(name, abstained < 1 ? undefined : rollouts?.add(rollout));
  }

  private silentReward(ended: boolean): LearningFinding | undefined {
    for (const [name, rollouts] of this.unheard) {
      if (rollouts === undefined || (!ended && rollouts.size < silentRollouts)) continue;
      const message = `the reward ${name} has abstained on every completion so far, of ${rollouts.size} rollouts: the other rewards alone decide; check what it needs of the data, with r1 grade`;
      return { reason: 'RewardSilent', message };
    }
    return undefined;
  }

  private cutOff(): LearningFinding | undefined {
    const share = this.cut.value;
    if (share === undefined || share < cutShare) return undefined;
    const message = `${Math.round(100 * share)} % of the completions of the last ${cutRollouts} rollouts were cut off at maxNewTokens: what they would have come to is never rewarded; raise sampling.maxNewTokens, or name in chat.stop what ends them`;
    return { reason: 'CutOff', message };
  }

  private klExplodes(): LearningFinding | undefined {
    const recent = this.kl.value;
    if (recent === undefined || recent < mostKl) return undefined;
    const message = `the KL to the reference is ${show(recent)} nats a token over the last ${recentRollouts} rollouts: the policy has come apart; lower learningRate or raise kl.coefficient`;
    return { reason: 'KlExploded', message };
  }

  private lossExplodes(): LearningFinding | undefined {
    const { explosion } = this.loss;
    if (explosion === undefined) return undefined;
    const message = `the loss has risen from ${show(explosion.first)} to ${show(explosion.last)}: lower learningRate, or add warm-up steps`;
    return { reason: 'LossExploded', message };
  }

  private lossStays(): LearningFinding | undefined {
    const { rest } = this.loss;
    if (rest === undefined) return undefined;
    const message = `the loss has not fallen measurably: ${show(rest.first)} in the first quarter of the steps, ${show(rest.last)} in the last; raise learningRate, or stop if nothing is left to learn`;
    return { reason: 'LossNotFalling', message };
  }
}

function show(value: number): string {
  return String(Number(value.toPrecision(3)));
}
