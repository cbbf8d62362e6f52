import type { Review } from '../data-files.ts';
import { type Html, html } from '../html.ts';

/** What people decided, and how far those agree who have read the same rows. */
export function reviewTable(review: Review): Html {
  const { reviewed, not_reviewed: open, edited = 0, rejected = 0, reviewers, agreement, kappa, readers } = review;
  const decided = `${reviewed} rows reviewed (${edited} edited, ${rejected} rejected), ${open} not reviewed`;
  const together = [
    agreement !== undefined && `agreement ${share(agreement)}`,
    kappa !== undefined && `Cohen's kappa ${kappa.toFixed(2)}`,
  ].filter((part) => part !== false);
  return html`<h3>What people decided</h3>
    <p class="note">
      ${decided}${reviewers.length > 0 && `, by ${reviewers.join(', ')}`}.${together.length > 0 && ` Of rows that two have read: ${together.join(', ')}.`}
    </p>
    ${
      readers.length > 0 &&
      html`<div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Read by both</th>
              <th class="number">Rows</th>
              <th class="number">Agreement</th>
              <th class="number">Cohen's kappa</th>
            </tr>
          </thead>
          <tbody>
            ${readers.map(
              (pair) =>
                html`<tr>
                  <th scope="row">${pair.reviewers.join(', ')}</th>
                  <td class="number">${String(pair.rows)}</td>
                  <td class="number">${share(pair.agreement)}</td>
                  <td class="number">${pair.kappa === undefined ? '–' : pair.kappa.toFixed(2)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }`;
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
