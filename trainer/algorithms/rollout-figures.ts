import { mean } from './statistics.ts';

/** Rollouts over which a figure of completions or of the KL is averaged, so that one odd batch says nothing. */
export const recentRollouts = 5;

/** The mean of a figure over the newest rollouts. The steps that learn from one repeat its figures; the last of them speaks for it. */
export class RecentMean {
  private readonly values: number[] = [];
  private readonly rollouts: number;
  private rollout = 0;

  constructor(rollouts: number = recentRollouts) {
    this.rollouts = rollouts;
  }

  /** @param rollout number of the rollout, counted from 1 */
  add(rollout: number, value: number): void {
    if (rollout === this.rollout) this.values.pop();
    else if (this.values.length === this.rollouts) this.values.shift();
    this.rollout = rollout;
    this.values.push(value);
  }

  /** Undefined before there are enough rollouts. */
  get value(): number | undefined {
    return this.values.length < this.rollouts ? undefined : mean(this.values);
  }
}

/** Figures of one rollout. */
interface RolloutFigures {
  readonly silentShare: number;
  readonly reward: number;
  readonly accuracy: number | undefined;
}

interface Silence {
  readonly rollouts: number;
  /** Last step so far of its first rollout. */
  readonly since: number;
  readonly rewardSum: number;
  readonly accuracySum: number;
  /** Rollouts with an accuracy. */
  readonly graded: number;
}

const none: Silence = { rollouts: 0, since: 0, rewardSum: 0, accuracySum: 0, graded: 0 };

/** The newest rollouts in a row of which no group has completions that differ in reward. */
export class SilentRollouts {
  private rollout = 0;
  private rollouts = 0;
  /** With the newest rollout, and without it: as long as it lasts, its newest step takes the place of the one before. */
  private now = none;
  private before = none;

  add(rollout: number, step: number, { silentShare, reward, accuracy }: RolloutFigures): void {
    if (rollout !== this.rollout) {
      this.before = this.now;
      this.rollouts++;
    }
    this.rollout = rollout;
    if (silentShare < 1) {
      this.now = none;
      return;
    }
    const { rollouts, since, rewardSum, accuracySum, graded } = this.before;
    this.now = {
      rollouts: rollouts + 1,
      since: rollouts === 0 ? step : since,
      rewardSum: rewardSum + reward,
      accuracySum: accuracySum + (accuracy ?? 0),
      graded: graded + (accuracy === undefined ? 0 : 1),
    };
  }

  get count(): number {
    return this.now.rollouts;
  }

  get since(): number {
    return this.now.since;
  }

  /** There has been no other rollout. */
  get always(): boolean {
    return this.now.rollouts === this.rollouts;
  }

  get meanReward(): number {
    return this.now.rewardSum / this.now.rollouts;
  }

  /** Undefined where nothing has one. */
  get meanAccuracy(): number | undefined {
    return this.now.graded === 0 ? undefined : this.now.accuracySum / this.now.graded;
  }
}
