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

function sample({ step, dataset, prompt, completion, reward, scores, gold }: SampleLine): Html {
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
    <pre class="completion">${highlight(cut(completion))}</pre>
  </article>`;
}

/** Marks the chain of thought and the answer; whatever is unbalanced stays plain text. */
export function highlight(completion: string): Html {
  const parts = completion.split(/(<think>[\s\S]*?<\/think>|<answer>[\s\S]*?<\/answer>)/);
  return html`${parts.map((part, index) => {
    if (index % 2 === 0) return part;
    const kind = part.startsWith('<think>') ? 'think' : 'answer';
    const open = `<${kind}>`;
    const inner = part.slice(open.length, -(open.length + 1));
    return html`<span class="${kind}"><i>${open}</i>${inner}<i>${`</${kind}>`}</i></span>`;
  })}`;
}

function cut(text: string): string {
  return text.length <= longestText ? text : `${text.slice(0, longestText)} … (${text.length} characters)`;
}
