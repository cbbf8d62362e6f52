import { stageSettingsShape, stageTypes } from '../../contract/settings/settings.ts';
import { evaluation } from '../../contract/settings/training.ts';
import { type Html, html } from '../html.ts';
import type { StageRecord } from '../record.ts';
import { type SettingRow, settingsRows } from '../settings-rows.ts';

/** What the stage was asked to do: in short what its manifest changes, and in a fold everything. */
export function settingsTable(stage: StageRecord): Html | undefined {
  const all = [...ownRows(stage), ...evaluationRows(stage)];
  const changed = all.filter(({ isDefault }) => !isDefault);
  const rows = [...changed, ...all.filter(({ isDefault }) => isDefault)];
  if (rows.length === 0) return undefined;
  return html`<details class="settings">
    <summary>
      Settings
      <small>${changed.map(({ path, value }) => `${path} ${show(value)}`).join(' · ')}</small>
    </summary>
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Setting</th>
            <th>Value</th>
            <th></th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(settingRow)}
        </tbody>
      </table>
    </div>
  </details>`;
}

function ownRows({ type, settings }: StageRecord): SettingRow[] {
  const known = stageTypes.find((each) => each === type);
  return known === undefined ? [] : settingsRows(stageSettingsShape[known], settings);
}

function evaluationRows({ evaluation: settings }: StageRecord): SettingRow[] {
  if (settings === undefined) return [];
  return settingsRows(evaluation, settings).map((row) => ({ ...row, path: `evaluation.${row.path}` }));
}

function settingRow({ path, value, isDefault }: SettingRow): Html {
  return html`<tr>
    <td><code>${path}</code></td>
    <td>${isDefault ? show(value) : html`<b>${show(value)}</b>`}</td>
    <td>${isDefault && html`<small>default</small>`}</td>
  </tr>`;
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.map(show).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
