import { formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';

/** What a reward model makes of rows that it has not learned from; nothing of another stage, and where none are held out. */
export function rewardModelTable({ metrics }: StageRecord): Html | undefined {
  const { 'eval/pair_accuracy': pairs, 'eval/label_accuracy': labels, 'eval/margin': margin } = metrics;
  const { 'eval/roc_auc': area, 'eval/roc_auc_low': low, 'eval/roc_auc_high': high } = metrics;
  const rows = [
    pairs !== undefined && (['Pairs whose chosen answer scores higher', rounded(pairs)] as const),
    pairs !== undefined && margin !== undefined && (['Mean difference of their scores', rounded(margin)] as const),
    labels !== undefined && (['Completions on the side of their label', rounded(labels)] as const),
    area !== undefined &&
      low !== undefined &&
      high !== undefined &&
      (['Area under the ROC curve (95 % interval)', `${rounded(area)} (${rounded(low)} … ${rounded(high)})`] as const),
  ].filter((row) => row !== false);
  if (rows.length === 0) return undefined;
  return html`<h3>On held-out rows</h3>
    <div class="scroll">
      <table>
        <tbody>
          ${rows.map(
            ([what, figure]) =>
              html`<tr>
                <th scope="row">${what}</th>
                <td class="number">${figure}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function rounded(value: number): string {
  return formatNumber(Number(value.toFixed(3)));
}
