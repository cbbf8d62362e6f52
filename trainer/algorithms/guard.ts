import { type Interval, meanInterval } from '../contract/settings/student.ts';
import { mean, meanWithError } from './statistics.ts';

/** By prompt: the share of its completions that are right, of those that could be judged; or the mean of their scores. */
export type Scores = Readonly<Record<string, number>>;

/** How much worse or better a model does on the same prompts than that of the good step, with what is sure of it. */
export interface GuardChange extends Interval {
  /** Of the interval, such as 0.975. */
  readonly confidence: number;
}

export interface GuardLook {
  readonly step: number;
  readonly score: number;
  readonly standardError: number;
  /** Absent at the first look. */
  readonly change?: GuardChange;
}

export interface GuardAlarm {
  readonly reason: 'RewardDiverged' | 'GuardFell';
  /** What was found, without what follows from it. */
  readonly message: string;
}

/** What a guard knows: all that its next verdict depends on. */
export interface GuardState {
  readonly looks: number;
  readonly last: GuardLook;
  /** The best look so far, the newest of equals: what later ones are compared with, and where a rollback leads. */
  readonly good: { readonly step: number; readonly score: number; readonly scores: Scores };
  /** The last look was worse than that, beyond chance. */
  readonly alarm?: GuardAlarm;
}

/** Chance that a stage whose model never gets worse has a false alarm, over all its looks together. */
const falseAlarms = 0.05;

/**
 * Confidence of the interval of the look after `earlier` others. It is compared with the best of these; as each of them could have been
 * it, and looks follow without end, a pair of looks has the share 1 ÷ (k² (k + 1)) of the false alarms: over all pairs these sum to 1.
 */
export function confidenceAfter(earlier: number): number {
  return 1 - falseAlarms / (earlier ** 2 * (earlier + 1));
}

/**
 * Takes in what a look has found. Prompts are the same at every look, so that each is compared with itself.
 *
 * @param figure what the scores are, in a word
 * @param tolerance a fall of the mean by no more than this is none
 * @param rewards mean reward of each rollout since the good step
 */
export function look(
  known: GuardState | undefined,
  {
    step,
    figure,
    scores,
    rewards,
    tolerance,
  }: { step: number; figure: string; scores: Scores; rewards: readonly number[]; tolerance: number },
): GuardState {
  const { mean: score, standardError } = meanWithError(Object.values(scores));
  const fresh = { step, score, scores };
  if (known === undefined) return { looks: 1, last: { step, score, standardError }, good: fresh };
  const { good, looks } = known;
  const paired = differences(good.scores, scores);
  if (paired.length < 2) return { ...known, looks: looks + 1, last: { step, score, standardError } }; // nothing can be said
  const confidence = confidenceAfter(looks);
  const change = { ...meanInterval(paired, confidence), confidence };
  const last = { step, score, standardError, change };
  const alarm = change.high < -tolerance ? alarmOf(figure, { look: last, change, good, rewards }) : undefined;
  return {
    looks: looks + 1,
    last,
    good: change.mean >= 0 ? fresh : good,
    // What has been said before stays as it was said.
    ...(alarm && { alarm: alarm.reason === known.alarm?.reason ? known.alarm : alarm }),
  };
}

/** Of the prompts that could be judged both times. */
function differences(before: Scores, now: Scores): number[] {
  return Object.entries(now).flatMap(([prompt, score]) => {
    const former = before[prompt];
    return former === undefined ? [] : [score - former];
  });
}

function alarmOf(
  figure: string,
  found: { look: GuardLook; change: GuardChange; good: GuardState['good']; rewards: readonly number[] },
): GuardAlarm {
  const { change, good, rewards } = found;
  const { step, score } = found.look;
  const { low, high } = change;
  const interval = `${signed(change.mean)}, ${percent(change.confidence)} % interval ${signed(low)} … ${signed(high)}`;
  const fall = `held-out ${figure} fell from ${show(good.score)} at step ${good.step} to ${show(score)} at step ${step} (${interval})`;
  if (!hasRisen(rewards)) return { reason: 'GuardFell', message: fall };
  const n = Math.ceil(rewards.length / 4);
  const [from, to] = [mean(rewards.slice(0, n)), mean(rewards.slice(-n))];
  return { reason: 'RewardDiverged', message: `${fall} while the reward rose from ${show(from)} to ${show(to)}` };
}

/** Quantile of the normal distribution below which 95 % of it lies. */
const normalQuantile95 = 1.645;

/**
 * Whether values rise in the order that they come in, by the test of Mann and Kendall, one-sided at 5 %: of all pairs, more rise than
 * would by chance. Four values that all rise are the fewest that can say so.
 */
function hasRisen(values: readonly number[]): boolean {
  const n = values.length;
  let rising = 0;
  for (const [at, value] of values.entries()) {
    for (const later of values.slice(at + 1)) rising += Math.sign(later - value);
  }
  const deviation = Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  return rising - 1 > normalQuantile95 * deviation;
}

function show(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}

function percent(share: number): string {
  return String(Number((100 * share).toFixed(share < 0.999 ? 1 : 4)));
}
