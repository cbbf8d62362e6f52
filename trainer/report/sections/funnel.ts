import type { Funnel } from '../data-files.ts';
import { type Html, html } from '../html.ts';

/** Why a completion was dropped, in words; other causes are shown as they are called. */
const causes: Readonly<Record<string, string>> = {
  noThought: 'no chain of thought written',
  contaminated: 'has words of an evaluation question or its solution',
  abstained: 'verifier abstained',
  correct: 'not correct',
  readable: 'not readable',
  oneLanguage: 'languages mixed',
  notOverlong: 'cut off',
  duplicate: 'duplicate',
  tooLow: 'judged too low',
  unmatched: 'none as long beside it',
  draw: 'judged a draw',
  uncertain: 'judged neither good nor bad',
  unjudged: 'no readable verdict',
  outranked: 'outranked',
  overQuota: 'over quota',
};

/** From all sampled completions to the kept ones, filter by filter. */
export function funnelTable({ prompts, sampled, dropped, kept, keptByDomain }: Funnel): Html {
  let left = sampled;
  const rows = Object.entries(dropped).map(([cause, count]) => {
    left -= count;
    return { cause: causes[cause] ?? cause, count, left };
  });
  const domains = Object.entries(keptByDomain).map(([domain, count]) => `${domain} ${number(count)}`);
  return html`<h3>From samples to rows</h3>
    <p class="note">
      ${number(sampled)} completions of ${number(prompts)} prompts; ${number(kept)}
      kept${domains.length > 0 && ` (${domains.join(', ')})`}. A completion is counted where it was dropped first.
    </p>
    <div class="scroll">
      <table class="funnel">
        <thead>
          <tr>
            <th>Dropped as</th>
            <th class="number">Dropped</th>
            <th class="number">Left</th>
            <th class="number">Share left</th>
            <th></th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => funnelRow(row, sampled))}
        </tbody>
      </table>
    </div>`;
}

function funnelRow({ cause, count, left }: { cause: string; count: number; left: number }, sampled: number): Html {
  const percent = (value: number): string => (sampled === 0 ? 0 : Math.max(0, (value / sampled) * 100)).toFixed(2);
  return html`<tr>
    <th scope="row">${cause}</th>
    <td class="number">${number(count)}</td>
    <td class="number">${number(left)}</td>
    <td class="number">${Number(percent(left)).toFixed(1)} %</td>
    <td class="track">
      <div>
        <span class="left" style="width:${percent(left)}%"></span><span style="width:${percent(count)}%"></span>
      </div>
    </td>
  </tr>`;
}

function number(value: number): string {
  return value.toLocaleString('en');
}
