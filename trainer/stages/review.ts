import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { reviewDecisionsName, rowsName } from '../contract/checkpoint.ts';
import { UserError } from '../contract/errors.ts';
import { ownKind, type Row } from '../contract/dataset.ts';
import type { StageResult } from '../contract/progress.ts';
import type { ReviewSettings } from '../contract/settings.ts';
import type { RowList } from '../data/row-list.ts';
import { readRows, writeRows } from '../data/rows.ts';
import { verify } from '../rewards/verify.ts';
import { withCompletion } from '../data/with-completion.ts';
import { successResult } from './success.ts';
import type { Workspace } from './workspace.ts';

const decision = z.strictObject({
  id: z.string(),
  decision: z.enum(['accept', 'edit', 'reject']),
  /** The new completion of an edit. */
  completion: z.string().optional(),
  reviewer: z.string().min(1),
});
type Decision = z.infer<typeof decision>;

/**
 * People accept, edit or reject rows. The queue is `queue.jsonl` in the stage's directory; decisions come in
 * `decisions.jsonl`, one a line; the last one on a row counts. With `required: false` missing decisions let rows pass, and the result says that
 * they were not reviewed; rows are never called reviewed without a named person.
 */
export async function review(settings: ReviewSettings, workspace: Workspace): Promise<StageResult> {
  const input = workspace.file.inputs[settings.data];
  if (!input) throw new UserError(`review.data: no input is named "${settings.data}"`);
  const rows = await readRows(join(await workspace.inputs.verified(input), rowsName));
  const { out } = workspace.file;
  await workspace.writer.check();
  await writeRows(join(out, 'queue.jsonl'), rows);

  const decisions = await readDecisions(join(out, reviewDecisionsName));
  const { reviewed, rejected, reviewers } = tally(rows, decisions);
  const open = rows.length - reviewed;
  if (settings.required && open > 0) {
    throw new UserError(
      `${join(out, 'queue.jsonl')}: ${open} of ${rows.length} rows wait for review; expected one decision a row in decisions.jsonl`,
    );
  }
  const metrics = { reviewed, not_reviewed: open, rejected, rows: rows.length - rejected };

  const write = async (directory: string): Promise<void> => {
    await writeRows(join(directory, rowsName), passed(rows, decisions));
    const record = { complete: open === 0 && rows.length > 0, ...metrics, reviewers };
    await writeFile(join(directory, 'review.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  };
  const checkpoint = await workspace.output.data(write, metrics);
  const message = open > 0 ? `${open} rows not reviewed` : `${reviewed} rows reviewed`;
  return successResult(message, metrics, checkpoint);
}

type Decisions = ReadonlyMap<string, Decision>;

/** What people have decided on these rows, and who. */
function tally(rows: RowList, decisions: Decisions) {
  let [reviewed, rejected] = [0, 0];
  const reviewers = new Set<string>();
  for (const { id } of rows) {
    const made = decisions.get(id);
    if (!made) continue;
    reviewed++;
    if (made.decision === 'reject') rejected++;
    reviewers.add(made.reviewer);
  }
  return { reviewed, rejected, reviewers: [...reviewers].toSorted() };
}

function* passed(rows: RowList, decisions: Decisions): Generator<Row> {
  for (const row of rows) yield* applied(row, decisions.get(row.id));
}

/** The row as it passes on: none when rejected. Refuses an edit whose answer no longer verifies. */
function applied(row: Row, made: Decision | undefined): Row[] {
  if (!made || made.decision === 'accept') return [row];
  if (made.decision === 'reject') return [];
  if (made.completion === undefined) throw new UserError(`decision on ${row.id}: an edit needs a completion`);
  // What a file of its own compares, people who edit know better.
  if (row.answer && row.answer.kind !== ownKind && verify(row, made.completion).outcome !== 'correct') {
    throw new UserError(`decision on ${row.id}: the edit breaks the answer; expected ${row.answer.gold}`);
  }
  return [withCompletion(row, made.completion)];
}

async function readDecisions(path: string): Promise<Map<string, Decision>> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const lines = text.split('\n').map((line, at) => ({ line, place: `${path}:${at + 1}` }));
  return new Map(lines.filter(({ line }) => line.trim() !== '').map(({ line, place }) => parseDecision(line, place)));
}

function parseDecision(line: string, place: string): [string, Decision] {
  try {
    const parsed = decision.parse(JSON.parse(line));
    return [parsed.id, parsed];
  } catch (error) {
    throw new UserError(
      `${place}: expected {"id", "decision": accept|edit|reject, "reviewer", "completion"?}, found ${line.slice(0, 200)}`,
      {
        cause: error,
      },
    );
  }
}
