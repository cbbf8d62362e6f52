import { formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';

/** How a judge labelled rows that had labels of their own; nothing of another stage, and where none had. */
export function labelsTable({ metrics }: StageRecord): Html | undefined {
  const agreement = metrics['labels/own_agreement'];
  if (agreement === undefined) return undefined;
  const kappa = metrics['labels/own_kappa'];
  const row = (own: string): Html =>
    html`<tr>
      <th scope="row">${own}</th>
      ${['good', 'bad'].map((judged) => html`<td class="number">${metrics[`labels/own_${own}_as_${judged}`] ?? 0}</td>`)}
    </tr>`;
  return html`<h3>Labels of the judge beside those of the rows</h3>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Own label</th>
            <th class="number">Judged good</th>
            <th class="number">Judged bad</th>
          </tr>
        </thead>
        <tbody>
          ${['good', 'bad'].map(row)}
        </tbody>
      </table>
    </div>
    <p class="note">
      The same on a share of ${rounded(agreement)} of them${kappa !== undefined && `, Cohen’s κ ${rounded(kappa)}`}.
    </p>`;
}

function rounded(value: number): string {
  return formatNumber(Number(value.toFixed(3)));
}
