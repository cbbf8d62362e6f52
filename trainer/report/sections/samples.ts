import { formatNumber } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { SampleLine } from '../jsonl.ts';
import type { StageRecord } from '../record.ts';

const longestText = 4000;

/** Completions from the beginning and the end of a stage. They are text from a model: shown, never trusted. */
export function samples({ samples: { first, last } }: StageRecord): Html | undefined {
  if (last.length === 0) return undefined;
  return html`<h3>Sample completions</h3>
    <div class="samples">${last.map(sample)}</div>
    ${
      first.length > 0 &&
      html`<details>
        <summary>At the beginning (${first.length})</summary>
        <div class="samples">${first.map(sample)}</div>
      </details>`
    }`;
}

function sample({ step, dataset, prompt, completion, opening, reward, scores, gold }: SampleLine): Html {
  const facts: [string, string][] = [
    ...(typeof reward === 'number' ? [['reward', formatNumber(reward)] as [string, string]] : []),
    ...Object.entries(scores ?? {}).map(([name, score]): [string, string] => [
      name,
      score === null ? 'abstained' : formatNumber(score),
    ]),
    ...(!gold ? [] : [['gold', gold] as [string, string]]),
  ];
  return html`<article>
    <p class="facts-line">
      <span>step ${step}</span>${dataset !== undefined && html`<span>${dataset}</span>`}
      ${facts.map(([name, value]) => html`<span>${name} <b>${value}</b></span>`)}
    </p>
    <pre class="prompt">${cut(prompt)}</pre>
    <pre class="completion">${highlight(cut(completion), opening)}</pre>
  </article>`;
}

/**
 * Marks the chain of thought and the answer, and where the prompt's part ended; whatever is unbalanced stays plain text.
 *
 * @param opening what the prompt already had of the response
 */
export function highlight(response: string, opening = ''): Html {
  const parts = response.split(/(<think>[\s\S]*?<\/think>|<answer>[\s\S]*?<\/answer>)/);
  let start = 0;
  return html`${parts.map((part, index) => {
    const given = Math.min(part.length, Math.max(0, opening.length - start));
    const endsHere = opening !== '' && start < opening.length && opening.length <= start + part.length;
    start += part.length;
    const text = (from: number, to: number) => seamed(part.slice(from, to), endsHere ? given - from : undefined);
    if (index % 2 === 0) return text(0, part.length);
    const kind = part.startsWith('<think>') ? 'think' : 'answer';
    const [open, close] = [`<${kind}>`, `</${kind}>`];
    const [from, to] = [open.length, part.length - close.length];
    return html`<span class="${kind}"><i>${open}</i>${text(from, to)}<i>${close}</i></span>`;
  })}`;
}

const seam = html`<b class="seam" title="here the model begins">▸</b>`;

/** A text with a mark where the model began to write, if that is in it. */
function seamed(text: string, at: number | undefined): Html | string {
  if (at === undefined || at < 0 || at > text.length) return text;
  return html`${text.slice(0, at)}${seam}${text.slice(at)}`;
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)} … (${text.length} characters)`;
}
