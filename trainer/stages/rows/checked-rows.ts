import { join } from 'node:path';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import {
  checkedRows as schema,
  checkedRowsName,
  type CheckedRows,
  type RowFindings,
} from '../../contract/settings/checked-rows.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { readJsonObject } from '../../contract/files/input-file.ts';
import { type Checked, checkRows, describeFindings, type Verdict, withoutPlaces } from '../../data/check-rows.ts';
import type { RowList } from '../../data/lists/row-list.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Share of dropped rows from which on people are warned. */
const muchDropped = 0.2;

/** Places of ten million dropped rows. */
const mostRecordBytes = 100_000_000;

interface Part {
  /** `train`, `heldOut`, `evaluation/<dataset>` or `guard/<dataset>`. */
  readonly part: string;
  /** Where the manifest names the rows, for messages. */
  readonly what: string;
  /** Called when all rows were looked at and before what was found is kept; throws if they are of no use together. */
  readonly require?: (() => Promise<void>) | undefined;
}

export interface Usable {
  readonly rows: RowList;
  /** What was found, under the names of docs/reference/metrics.md. */
  readonly figures: Metrics;
}

/**
 * The rows that a stage can use, all of them looked at before its first step. What was found is said on stderr and
 * kept: an attempt that goes on with the same settings does not encode all rows again.
 *
 * @throws UserError if a row has a fault, or none can be used
 */
export async function usableRows(
  workspace: Workspace,
  rows: RowList,
  { part, what, require }: Part,
  verdictOf: (row: Row) => Verdict,
): Promise<Usable> {
  if (rows.length === 0 && part === 'heldOut') return { rows, figures: {} };
  const record = await readRecord(workspace);
  const known = record.parts[part];
  // What is measured on is no part of the settings' digest.
  const mayReuse = known?.rows === rows.length && part === 'train';
  const checked = mayReuse ? recall(rows, known) : await check(workspace, rows, what, verdictOf);
  if (!mayReuse) await require?.();
  const { findings } = checked;
  if (findings.cut > 0 || findings.dropped.length > 0) console.error(`${what}: ${describeFindings(findings)}`);
  warnOfDropped(workspace, part, what, findings);
  await keep(workspace, record, part, checked);
  return { rows: checked.rows, figures: findingsMetrics(part, findings) };
}

type KnownPart = CheckedRows['parts'][string];

function recall(rows: RowList, { places, ...findings }: KnownPart): Checked {
  return { rows: withoutPlaces(rows, places), findings, dropped: places };
}

function check(workspace: Workspace, rows: RowList, what: string, verdictOf: (row: Row) => Verdict): Promise<Checked> {
  const onActivity = (done: number): void => {
    workspace.progress.checking(done, rows.length);
    workspace.stop.heed(`nothing; ${done} of ${rows.length} rows were checked`);
  };
  return checkRows(rows, verdictOf, { what, onActivity });
}

/** Many dropped rows make another data set than the one that was asked for. */
function warnOfDropped({ warnings }: Workspace, part: string, what: string, findings: RowFindings): void {
  if (findings.rows - findings.used <= muchDropped * findings.rows) return;
  const reason = { train: 'RowsDropped', heldOut: 'HeldOutRowsDropped' }[part] ?? 'EvaluationRowsDropped';
  warnings.warn(reason, `${what}: ${describeFindings(findings)}`);
}

async function keep(workspace: Workspace, record: CheckedRows, part: string, checked: Checked): Promise<void> {
  const parts = { ...record.parts, [part]: { ...checked.findings, places: [...checked.dropped] } };
  const path = join(workspace.file.out, checkedRowsName);
  await replaceFile(path, `${JSON.stringify({ ...record, parts })}\n`, workspace.writer);
}

async function readRecord({ file, settingsDigest }: Workspace): Promise<CheckedRows> {
  const { data } = schema.safeParse(await readJsonObject(join(file.out, checkedRowsName), mostRecordBytes));
  return data?.settingsDigest === settingsDigest ? data : { settingsDigest, parts: {} };
}

function findingsMetrics(part: string, { rows, used, cut, dropped }: RowFindings): Metrics {
  const prefix = part === 'train' ? 'data' : `data/${part}`;
  return {
    [`${prefix}/rows`]: rows,
    [`${prefix}/used`]: used,
    ...(cut > 0 && { [`${prefix}/cut`]: cut }),
    ...Object.fromEntries(dropped.map(({ reason, rows: count }) => [`${prefix}/dropped_${reason}`, count])),
  };
}
