import { type Curve, onePointARollout } from '../../contract/settings/curve.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';
import { type Change, changeOf, type Trend, trendOfLastThird } from '../trend.ts';

/** What a stage is judged by, and whether it should rise. */
interface Judged {
  readonly metric: string;
  readonly goal: 'rising' | 'falling';
  readonly curve: Curve;
}

/** What came of the whole stage, and whether it still went on when the stage stopped: `reward 0.43 → 0.90, flat in the last third`. */
export function trendLine(stage: StageRecord): Html | undefined {
  const judged = judgedBy(stage);
  if (!judged) return undefined;
  const { metric, goal, curve } = judged;
  const points = curve.steps.map((x, at) => ({ x, y: curve.values[at] as number }));
  const [change, trend] = [changeOf(points), trendOfLastThird(points)];
  if (change.verdict === 'unknown') return undefined;
  const end = trend.verdict === 'unknown' ? [] : [endings[trend.verdict]];
  const isGood = change.verdict === goal;
  return html`<p class="trend ${change.verdict === 'flat' ? 'flat' : isGood ? 'good' : 'bad'}">
    <strong>${metric} ${[whole(change), ...end].join(', ')}.</strong>
    ${trend.verdict !== 'unknown' && explain(trend, metric)}
  </p>`;
}

function judgedBy({ series, settings }: StageRecord): Judged | undefined {
  // A reward that joins late makes a step in the sum; accuracy has the whole run.
  const metric = ['reward', 'loss'].find((name) => series.has(name));
  const name = metric === 'reward' && hasLateReward(settings) ? 'rewards/accuracy/mean' : metric;
  const curve = name === undefined ? undefined : series.get(name);
  if (name === undefined || curve === undefined) return undefined;
  return {
    metric: name,
    goal: name === 'loss' ? 'falling' : 'rising',
    curve: onePointARollout(curve, stepsPerRollout(settings)),
  };
}

function stepsPerRollout(settings: StageRecord['settings']): number {
  const count = (name: string): number => (typeof settings[name] === 'number' ? settings[name] : 1);
  return updatesPerRollout({ stepsPerRollout: count('stepsPerRollout'), epochsPerRollout: count('epochsPerRollout') });
}

function hasLateReward(settings: StageRecord['settings']): boolean {
  const rewards = settings['rewards'];
  return Array.isArray(rewards) && rewards.some((reward) => JSON.stringify(reward).includes('"lastSteps"'));
}

function whole({ verdict, from, to }: Change): string {
  const ends = `${formatNumber(round(from))} → ${formatNumber(round(to))}`;
  return verdict === 'flat' ? `${ends}, which is no measurable change` : ends;
}

const endings = {
  rising: 'still rising in the last third',
  flat: 'flat in the last third',
  falling: 'still falling in the last third',
} as const;

function explain({ slope, low, high, points }: Trend, metric: string): string {
  const interval = `95 % confidence ${per100(low)} … ${per100(high)}`;
  return `Over its last ${points} points ${metric} changed by ${per100(slope)} per 100 steps (${interval}).`;
}

function per100(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(3)}`;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
