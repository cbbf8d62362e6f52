import { formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';

interface Compared {
  readonly control: string;
  readonly score: number;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
}

const meanings: Readonly<Record<string, string>> = {
  random: 'random: noise for a reward',
  shuffled: 'shuffled: the rewards of other completions, or the completions of other rows',
  zeroLr: 'zeroLr: a learning rate of 0',
};

/** A stage beside its negative controls, and whether it has learned more than they have; nothing where it has none. */
export function controlsTable({ metrics }: StageRecord): Html | undefined {
  const compared = comparisonsIn(metrics);
  if (compared.length === 0) return undefined;
  const above = compared.filter(({ low }) => low > 0).length;
  const verdict =
    above === compared.length
      ? 'It is better than every control: what it learned from has taught it something.'
      : 'It is not measurably better than every control: nothing shows that it was taught anything.';
  return html`<h3>Negative controls</h3>
    <p class="trend ${above === compared.length ? 'good' : 'bad'}">${verdict}</p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Control</th>
            <th class="number">pass@1</th>
            <th class="number">The stage is above it by</th>
            <th class="number">95 % interval</th>
          </tr>
        </thead>
        <tbody>
          ${compared.map(
            ({ control, score, difference, low, high }) =>
              html`<tr>
                <th scope="row">${meanings[control] ?? control}</th>
                <td class="number">${rounded(score)}</td>
                <td class="number">${rounded(difference)}</td>
                <td class="number">${rounded(low)} … ${rounded(high)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function comparisonsIn(metrics: StageRecord['metrics']): Compared[] {
  return Object.entries(metrics).flatMap(([name, score]): Compared[] => {
    const control = /^control\/(.+)\/pass@1$/.exec(name)?.[1];
    if (control === undefined) return [];
    const [difference = NaN, low = NaN, high = NaN] = ['difference', 'difference_low', 'difference_high'].map(
      (figure) => metrics[`control/${control}/${figure}`],
    );
    return [{ control, score, difference, low, high }];
  });
}

function rounded(value: number): string {
  return formatNumber(Number(value.toFixed(3)));
}
