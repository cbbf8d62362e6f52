import { formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';

type Metrics = StageRecord['metrics'];
type Row = readonly [what: string, own: string, other: string];

/** What a reward model makes of rows that it has not learned from, beside another one; nothing of another stage, and where none are held out. */
export function rewardModelTable({ metrics }: StageRecord): Html | undefined {
  const figures = rows(metrics);
  if (figures.length === 0) return undefined;
  const isCompared = metrics['compared/agreement'] !== undefined;
  return html`<h3>On held-out rows</h3>
    <div class="scroll">
      <table>
        ${
          isCompared &&
          html`<thead>
            <tr>
              <th></th>
              <th class="number">This model</th>
              <th class="number">The compared one</th>
            </tr>
          </thead>`
        }
        <tbody>
          ${figures.map(
            ([what, own, other]) =>
              html`<tr>
                <th scope="row">${what}</th>
                <td class="number">${own}</td>
                ${isCompared && html`<td class="number">${other}</td>`}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${isCompared && html`<p class="note">${agreement(metrics)}</p>`}`;
}

function rows(metrics: Metrics): Row[] {
  const figure = (name: string) => (prefix: string) => rounded(metrics[`${prefix}/${name}`]);
  return [
    ...of('Pairs whose chosen answer scores higher', figure('pair_accuracy')),
    ...of('Mean difference of their scores', figure('margin')),
    ...of('Completions on the side of their label', figure('label_accuracy')),
    ...of('Area under the ROC curve (95 % interval)', (prefix) => {
      const [area, low, high] = ['roc_auc', 'roc_auc_low', 'roc_auc_high'].map((name) => figure(name)(prefix));
      return area === undefined ? undefined : `${area} (${low} … ${high})`;
    }),
  ];
}

function of(what: string, show: (prefix: string) => string | undefined): Row[] {
  const own = show('eval');
  return own === undefined ? [] : [[what, own, show('compared') ?? '–']];
}

function agreement(metrics: Metrics): string {
  const [share, kappa, rho] = ['agreement', 'kappa', 'spearman'].map((name) => rounded(metrics[`compared/${name}`]));
  const parts = [
    kappa !== undefined && `Cohen’s κ ${kappa}`,
    rho !== undefined && `Spearman’s ρ of their scores ${rho}`,
  ];
  return [`Both decide alike on a share of ${share} of the rows`, ...parts.filter(Boolean)].join(', ');
}

function rounded(value: number | undefined): string | undefined {
  return value === undefined ? undefined : formatNumber(Number(value.toFixed(3)));
}
