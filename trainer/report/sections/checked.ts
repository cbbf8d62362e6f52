import { type DropReason, dropReasons } from '../../contract/settings/checked-rows.ts';
import type { CheckedParts } from '../data-files.ts';
import { type Html, html } from '../html.ts';

/** Rows that a stage left out or cut, and the first of each kind; nothing where all are used as they are. */
export function checkedTable(parts: CheckedParts): Html | undefined {
  const touched = Object.entries(parts).filter(([, { cut, dropped }]) => cut > 0 || dropped.length > 0);
  if (touched.length === 0) return undefined;
  return html`<h3>Rows that are not used</h3>
    ${touched.map(
      ([part, { rows, used, cut }]) =>
        html`<p class="note">
          ${nameOf(part)}: ${number(used)} of ${number(rows)} rows are used${cut > 0 && `, ${number(cut)} of them cut`}.
        </p>`,
    )}
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Left out</th>
            <th class="number">Rows</th>
            <th>The first</th>
          </tr>
        </thead>
        <tbody>
          ${touched.map(([part, { dropped }]) =>
            dropped.map(
              ({ reason, rows, first }) =>
                html`<tr>
                  <th scope="row">${nameOf(part)}: ${dropReasons[reason as DropReason] ?? reason}</th>
                  <td class="number">${number(rows)}</td>
                  <td>${first}</td>
                </tr>`,
            ),
          )}
        </tbody>
      </table>
    </div>`;
}

function nameOf(part: string): string {
  if (part === 'train') return 'training';
  return part === 'heldOut' ? 'held out' : part.replace('/', ' of ');
}

function number(value: number): string {
  return value.toLocaleString('en');
}
