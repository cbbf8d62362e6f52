import type { Chart } from '../charts.ts';
import { formatDuration } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';
import { type Trend, trendOfLastThird } from '../trend.ts';
import { funnelTable } from './funnel.ts';
import { stateMark } from './overview.ts';
import { samples } from './samples.ts';

/**
 * One stage: state, trend, curves, filters, samples.
 *
 * @param charts with the index under which the page's data holds each
 */
export function stageSection(stage: StageRecord, charts: readonly { chart: Chart; index: number }[]): Html {
  const major = charts.filter(({ chart }) => !chart.minor);
  const minor = charts.filter(({ chart }) => chart.minor);
  const { seconds } = stage;
  const facts = [
    stage.type,
    stage.message,
    seconds !== undefined && formatDuration(seconds),
    stage.attempts > 1 && `${stage.attempts} attempts`,
  ].filter((fact) => typeof fact === 'string' && fact !== '');
  return html`<section class="stage" id="stage-${stage.name}">
    <h2>${stage.name} ${stateMark(stage.state)}</h2>
    <p class="note">${facts.join(' · ')}</p>
    ${trendLine(stage)} ${major.length > 0 && html`<div class="charts">${major.map(figure)}</div>`}
    ${stage.funnel && funnelTable(stage.funnel)} ${samples(stage)}
    ${
      minor.length > 0 &&
      html`<details>
        <summary>More curves (${minor.length})</summary>
        <div class="charts">${minor.map(figure)}</div>
      </details>`
    }
  </section>`;
}

function figure({ chart, index }: { chart: Chart; index: number }): Html {
  return html`<figure>
    <figcaption>${chart.title}${chart.unit !== '' && html` <small>${chart.unit}</small>`}</figcaption>
    <div class="plot" data-chart="${index}"></div>
  </figure>`;
}

/** Whether the reward still rose when the stage stopped. */
function trendLine({ series, settings }: StageRecord): Html | undefined {
  // A reward that joins late makes a step in the sum; accuracy has the whole run.
  const metric = hasLateReward(settings) ? 'rewards/accuracy/mean' : 'reward';
  const curve = series.get(metric);
  if (!curve) return undefined;
  const trend = trendOfLastThird(curve.steps.map((x, i) => ({ x, y: curve.values[i] ?? Number.NaN })));
  if (trend.verdict === 'unknown') return undefined;
  return html`<p class="trend ${trend.verdict}">
    <strong>${headline[trend.verdict]}</strong> ${explain(trend, metric)}
  </p>`;
}

const headline: Readonly<Record<Trend['verdict'], string>> = {
  rising: 'Still rising.',
  flat: 'Flat.',
  falling: 'Falling.',
  unknown: '',
};

function explain({ slope, low, high, points }: Trend, metric: string): string {
  const interval = `95 % confidence ${per100(low)} … ${per100(high)}`;
  return `In the last ${points} steps (a third of the run) ${metric} changed by ${per100(slope)} per 100 steps (${interval}).`;
}

function per100(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(3)}`;
}

function hasLateReward(settings: StageRecord['settings']): boolean {
  const rewards = settings['rewards'];
  return Array.isArray(rewards) && rewards.some((reward) => JSON.stringify(reward).includes('"lastSteps"'));
}
