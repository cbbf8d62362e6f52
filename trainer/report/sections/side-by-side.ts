import { compare } from '../../contract/settings/control-comparison.ts';
import { stageSettingsShape, stageTypes } from '../../contract/settings/settings.ts';
import { type Html, html } from '../html.ts';
import type { PipelineRecord, StageRecord } from '../record.ts';
import { settingsRows } from '../settings-rows.ts';

/**
 * Stages of one type that start from the same model and have been measured, side by side: what they differ in, and what came of it on all
 * data sets that were evaluated. So a sweep, over mixtures of data say, is read in one table. Nothing where no two belong together.
 */
export function sideBySide({ stages }: PipelineRecord): Html | undefined {
  const groups = siblings(stages);
  if (groups.length === 0) return undefined;
  return html`<section id="side-by-side">
    <h2>Side by side</h2>
    <p class="note">
      Stages that start from the same model, with the settings in which they differ. pass@1 on held-out prompts is the
      mean ± its standard error; behind it the difference to the first of them with its interval of 95 %.
    </p>
    ${groups.map(siblingTable)}
  </section>`;
}

/** Two or more, in the order of the pipeline. */
export function siblings(stages: readonly StageRecord[]): (readonly StageRecord[])[] {
  const groups = new Map<string, StageRecord[]>();
  for (const stage of stages) {
    if (stage.metrics['eval/pass@1'] === undefined || stage.model === undefined) continue;
    const key = `${stage.type} ${stage.model}`;
    groups.set(key, [...(groups.get(key) ?? []), stage]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** Of each stage the settings that are not the same in all of them, in words. */
export function differences(group: readonly StageRecord[]): string[] {
  const ofStages = group.map(({ type, settings }) => {
    const known = stageTypes.find((each) => each === type);
    const rows = known === undefined ? [] : settingsRows(stageSettingsShape[known], settings);
    return new Map(rows.map(({ path, value }) => [path, JSON.stringify(value)]));
  });
  const paths = [...new Set(ofStages.flatMap((rows) => [...rows.keys()]))];
  const differing = paths.filter((path) => new Set(ofStages.map((rows) => rows.get(path))).size > 1);
  return ofStages.map((rows) =>
    differing
      .filter((path) => rows.has(path))
      .map((path) => `${path} ${rows.get(path)}`)
      .join(' · '),
  );
}

function siblingTable(group: readonly StageRecord[]): Html {
  const [first] = group as [StageRecord];
  const datasets = [...new Set(group.flatMap(({ metrics }) => Object.keys(metrics).flatMap(datasetOf)))];
  const differing = differences(group);
  return html`<h3>${first.type} from ${first.model}</h3>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Stage</th>
            <th>Differs in</th>
            <th class="number">pass@1</th>
            <th class="number">to ${first.name}</th>
            ${datasets.map((name) => html`<th class="number">${name}<small>pass@1</small></th>`)}
          </tr>
        </thead>
        <tbody>
          ${group.map(
            (stage, at) =>
              html`<tr>
                <th scope="row"><a href="#stage-${stage.name}">${stage.name}</a></th>
                <td>${differing[at]}</td>
                <td class="number">
                  ${percent(stage.metrics['eval/pass@1'])}
                  <small>± ${points(stage.metrics['eval/pass@1_stderr'])}</small>
                </td>
                <td class="number">${at > 0 && difference(stage, first)}</td>
                ${datasets.map((name) => html`<td class="number">${percent(stage.metrics[`eval/${name}/pass@1`])}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function difference(stage: StageRecord, first: StageRecord): string {
  const { difference: mean, low, high } = compare(measured(stage), measured(first));
  return `${signed(mean)} (${signed(low)} … ${signed(high)})`;
}

function measured({ metrics }: StageRecord) {
  return { score: metrics['eval/pass@1'] ?? NaN, standardError: metrics['eval/pass@1_stderr'] ?? NaN };
}

function datasetOf(metric: string): string[] {
  const name = /^eval\/(.+)\/pass@1$/.exec(metric)?.[1];
  return name === undefined ? [] : [name];
}

function percent(share: number | undefined): string {
  return share === undefined ? '–' : `${points(share)} %`;
}

function points(share: number | undefined): string {
  return share === undefined ? '–' : (share * 100).toFixed(1);
}

function signed(share: number): string {
  return `${share < 0 ? '−' : '+'}${points(Math.abs(share))}`;
}
