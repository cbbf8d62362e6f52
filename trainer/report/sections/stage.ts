import type { Chart } from '../charts.ts';
import { formatDuration } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';
import { checkedTable } from './checked.ts';
import { controlsTable } from './controls.ts';
import { funnelTable } from './funnel.ts';
import { labelsTable } from './labels.ts';
import { stateMark } from './overview.ts';
import { reviewTable } from './review.ts';
import { rewardModelTable } from './reward-model.ts';
import { samples } from './samples.ts';
import { settingsTable } from './settings.ts';
import { signal } from './signal.ts';
import { trendLine } from './trend.ts';

/**
 * One stage: state, settings, trend, curves, filters, samples.
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
    stage.device,
    stage.attempts > 1 && `${stage.attempts} attempts`,
  ].filter((fact) => typeof fact === 'string' && fact !== '');
  return html`<section class="stage" id="stage-${stage.name}">
    <h2>${stage.name} ${stateMark(stage.state)}</h2>
    <p class="note">${facts.join(' · ')}</p>
    ${settingsTable(stage)} ${trendLine(stage)} ${controlsTable(stage)} ${rewardModelTable(stage)} ${labelsTable(stage)}
    ${major.length > 0 && html`<div class="charts">${major.map(figure)}</div>`} ${signal(stage)}
    ${checkedTable(stage.checked)} ${stage.funnel && funnelTable(stage.funnel)}
    ${stage.review && reviewTable(stage.review)} ${samples(stage)}
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
