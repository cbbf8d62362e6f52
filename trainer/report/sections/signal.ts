import { type Html, html } from '../html.ts';
import type { Series } from '../jsonl.ts';
import type { StageRecord } from '../record.ts';

/** Share of the groups from which on a rollout is said to be mostly of one kind. */
const most = 0.5;
/** Share of the advantage below which a reward is said to teach next to nothing. */
const little = 0.1;

/**
 * What the rollouts at the end of a stage could teach: why groups had no signal, which reward carried the advantage, and what to change.
 * Means over the last tenth of the steps, five at least.
 */
export function signal({ type, series }: StageRecord): Html | undefined {
  const silent = recent(series, 'frac_reward_zero_std');
  if (type !== 'grpo' || silent === undefined) return undefined;
  const right = recent(series, 'groups/all_right_frac') ?? 0;
  const wrong = recent(series, 'groups/all_wrong_frac') ?? 0;
  const shares = sharesOf(series);
  return html`<h3>What the last rollouts could teach</h3>
    <p class="note">
      ${percent(1 - silent)} of the groups had completions that differ in reward. In ${percent(wrong)} every answer was
      wrong, in ${percent(right)} every answer was right.
    </p>
    ${findings({ silent, right, wrong, shares }).map((finding) => html`<p class="notice">${finding}</p>`)}
    ${shares.length > 1 && sharesTable(series, shares)}`;
}

type Share = readonly [name: string, share: number];

interface Signal {
  readonly silent: number;
  readonly right: number;
  readonly wrong: number;
  readonly shares: readonly Share[];
}

/** In words, each with what to change; none where most groups teach and the answers count. */
export function findings({ silent, right, wrong, shares }: Signal): string[] {
  const accuracy = shares.find(([name]) => name === 'accuracy')?.[1];
  const [first] = shares.toSorted(([, a], [, b]) => b - a);
  return [
    ...(wrong >= most
      ? [
          'Too hard: most prompts are never answered right. Take easier prompts or a larger group, or teach with sft first.',
        ]
      : []),
    ...(right >= most
      ? [
          'Too easy: most prompts are always answered right. Take harder prompts or fewer steps, or draw again with dynamicSampling.',
        ]
      : []),
    ...(silent >= most && wrong < most && right < most
      ? [
          'Too alike: completions of most prompts have equal rewards. Raise sampling.temperature or group, or give a reward that tells degrees apart.',
        ]
      : []),
    ...(first && accuracy !== undefined && first[0] !== 'accuracy' && accuracy < little
      ? [
          `${first[0]} carries ${percent(first[1])} of the advantage, accuracy ${percent(accuracy)}: right answers teach next to nothing. Lower the weight of ${first[0]}, or take prompts that are neither too hard nor too easy.`,
        ]
      : []),
  ];
}

function sharesTable(series: Series, shares: readonly Share[]): Html {
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Reward</th>
          <th class="number">Share of the advantage</th>
          <th class="number">Mean</th>
        </tr>
      </thead>
      <tbody>
        ${shares.map(
          ([name, share]) =>
            html`<tr>
              <th scope="row">${name}</th>
              <td class="number">${percent(share)}</td>
              <td class="number">${(recent(series, `rewards/${name}/mean`) ?? 0).toFixed(3)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function sharesOf(series: Series): Share[] {
  return [...series.keys()].flatMap((metric): Share[] => {
    const name = /^rewards\/(.+)\/advantage_frac$/.exec(metric)?.[1];
    return name === undefined ? [] : [[name, recent(series, metric) ?? 0]];
  });
}

const fewest = 5;

function recent(series: Series, metric: string): number | undefined {
  const values = series.get(metric)?.values ?? [];
  if (values.length === 0) return undefined;
  const last = values.slice(-Math.max(fewest, Math.round(values.length / 10)));
  return last.reduce((sum, value) => sum + value, 0) / last.length;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`.replace('-', '−');
}
