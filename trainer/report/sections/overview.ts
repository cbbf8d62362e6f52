import { formatDuration, formatTime } from '../format.ts';
import { type Html, html } from '../html.ts';
import { type PipelineRecord, type StageRecord, negativeControls } from '../record.ts';

/** Title, what ran when and with which versions, and what a reader must know before believing a figure. */
export function header(pipeline: PipelineRecord): Html {
  const { started, finished } = pipeline;
  const trained = pipeline.stages.reduce((sum, { seconds = 0 }) => sum + seconds, 0);
  const facts: [string, string | undefined][] = [
    ['Seed', pipeline.seed === undefined ? undefined : String(pipeline.seed)],
    ['Base', pipeline.base],
    ['Started', started && formatTime(started)],
    ['Finished', finished && formatTime(finished)],
    ['Duration', started && finished && formatDuration((finished.getTime() - started.getTime()) / 1000)],
    ['Time in stages', trained > 0 ? formatDuration(trained) : undefined],
    ...versions(pipeline),
  ];
  return html`<header>
    <p class="kicker">R1 pipeline</p>
    <h1>${pipeline.name} ${stateMark(pipeline.state)}</h1>
    ${pipeline.message !== '' && html`<p class="lead">${pipeline.message}</p>`}
    <dl class="facts">
      ${facts.map(
        ([name, value]) =>
          value &&
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
    ${pipeline.stages.map((stage) =>
      negativeControls(stage).map(
        (control) =>
          html`<p class="notice">
            <strong>Negative control:</strong> stage <b>${stage.name}</b> has ${control}. Its figures show what the
            measurement does when nothing can be learned.
          </p>`,
      ),
    )}
    ${pipeline.stages.map(({ name, warnings }) =>
      warnings.map(
        ({ message }) =>
          html`<p class="notice"><strong>Warning:</strong> stage <a href="#stage-${name}">${name}</a>: ${message}.</p>`,
      ),
    )}
  </header>`;
}

const kinds: Readonly<Record<string, string>> = {
  Succeeded: 'good',
  Passed: 'good',
  Approved: 'good',
  Running: 'active',
  Failed: 'bad',
  Stopped: 'bad',
  RolledBack: 'warn',
  Continued: 'warn',
  Waiting: 'warn',
  Changed: 'warn',
};

export function stateMark(state: string): Html {
  const kind = kinds[state] ?? 'idle';
  return html`<span class="state ${kind}">${state}</span>`;
}

/** A row a stage: quality on held-out prompts and time; one more for figures of rows that models learn from. */
export function stageTable({ stages }: PipelineRecord): Html {
  const datasets = [...new Set(stages.flatMap(({ metrics }) => Object.keys(metrics).flatMap(datasetOf)))];
  return html`<section id="stages">
    <h2>After every stage</h2>
    <p class="note">
      Held-out prompts, where no other is said. pass@1 is the mean over prompts ± its standard error; the rates are
      shares of completions.
    </p>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Stage</th>
            <th>Type</th>
            <th>State</th>
            <th class="number">pass@1</th>
            <th class="number">Format rate</th>
            <th class="number">Language consistency</th>
            ${datasets.map((name) => html`<th class="number">${name}<small>pass@1</small></th>`)}
            <th class="number">Steps</th>
            <th class="number">Wall time</th>
          </tr>
        </thead>
        <tbody>
          ${stages.map((stage) => stageRow(stage, datasets))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function stageRow(stage: StageRecord, datasets: readonly string[]): Html {
  const { metrics } = stage;
  return html`<tr>
      <th scope="row"><a href="#stage-${stage.name}">${stage.name}</a></th>
      <td>${stage.type}</td>
      <td>${stateMark(stage.state)}</td>
      ${figures(stage, 'eval', datasets)}
      <td class="number">
        ${stage.checkpoint && stage.checkpoint.step > 0 ? stage.checkpoint.step.toLocaleString('en') : missing}
      </td>
      <td class="number">${stage.seconds === undefined ? missing : formatDuration(stage.seconds)}</td>
    </tr>
    ${Object.keys(metrics).some((name) => name.startsWith('eval_train/')) && trainingRow(stage, datasets)}`;
}

function trainingRow(stage: StageRecord, datasets: readonly string[]): Html {
  return html`<tr>
    <th scope="row">${stage.name}</th>
    <td colspan="2">on training rows</td>
    ${figures(stage, 'eval_train', datasets)}
    <td></td>
    <td></td>
  </tr>`;
}

function figures({ metrics }: StageRecord, prefix: 'eval' | 'eval_train', datasets: readonly string[]): Html {
  const of = (name: string): number | undefined => metrics[`${prefix}/${name}`];
  return html`${rateCell(of('pass@1'), of('pass@1_stderr'))} ${rateCell(of('format_rate'))}
  ${rateCell(of('language_consistency'))} ${datasets.map((name) => rateCell(of(`${name}/pass@1`)))}`;
}

const missing = html`<span class="missing">–</span>`;

/** A share as a percentage over a bar of that length. */
function rateCell(value: number | undefined, error?: number): Html {
  if (value === undefined) return html`<td class="number">${missing}</td>`;
  const percent = Math.max(0, Math.min(100, value * 100));
  return html`<td class="number rate">
    <span class="bar" style="width:${percent.toFixed(1)}%"></span>
    <span
      >${(value * 100).toFixed(1)} %${error !== undefined && html` <small>± ${(error * 100).toFixed(1)}</small>`}</span
    >
  </td>`;
}

function datasetOf(metric: string): string[] {
  const name = /^eval(?:_train)?\/(.+)\/pass@1$/.exec(metric)?.[1];
  return name === undefined ? [] : [name];
}

/** The versions that the bits depend on, as the checkpoints recorded them. */
function versions({ stages }: PipelineRecord): [string, string][] {
  const seen = new Map<string, Set<string>>();
  for (const { checkpoint } of stages) {
    for (const [name, version] of Object.entries(checkpoint?.manifest?.engine ?? {})) {
      seen.set(name, (seen.get(name) ?? new Set()).add(version));
    }
  }
  return [...seen].map(([name, values]) => [name, [...values].join(', ')]);
}
