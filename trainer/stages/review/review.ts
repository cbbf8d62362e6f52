import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rowsName } from '../../contract/files/checkpoint.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { StageResult } from '../../contract/files/progress.ts';
import { reviewPhase } from '../../contract/files/review.ts';
import type { ReviewSettings } from '../../contract/settings/settings.ts';
import { withCompletion } from '../../data/with-completion.ts';
import { writeRows } from '../../data/rows.ts';
import { agreementOf } from '../../review/agreement.ts';
import { problemOf } from '../../review/check-edit.ts';
import { openPage } from '../../review/open-page.ts';
import { type ReviewSession, tally } from '../../review/review-session.ts';
import type { Standing } from '../../review/standing.ts';
import type { Verify } from '../../rewards/modules/own-verifiers.ts';
import { openReview } from './open-review.ts';
import { successResult } from '../workspace/success.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Between two looks at what people have decided. */
const lookMs = 1000;

/**
 * People accept, edit or reject rows: on the page of the stage, with `r1 review`, or with a tool of their own. A required
 * review waits for them, for as long as it takes. With `required: false` missing decisions let rows pass, and the result says
 * that they were not reviewed; rows are never called reviewed without a named person.
 */
export async function review(settings: ReviewSettings, workspace: Workspace): Promise<StageResult> {
  const { file, inputs, verifiers } = workspace;
  await workspace.writer.check();
  const session = await openReview(file, inputs, verifiers.verify);
  if (settings.required) await waitForPeople(session, workspace);

  const all = await session.standings();
  const rows = await passed(session, all, verifiers.verify);
  const { metrics: counts, reviewers } = tally(all);
  const { pairs, ...agreement } = agreementOf(all);
  const metrics = { ...counts, ...agreement };
  const open = counts.not_reviewed;
  const write = async (directory: string): Promise<void> => {
    await writeRows(join(directory, rowsName), rows);
    const record = { complete: open === 0 && all.length > 0, ...counts, reviewers, ...agreement, readers: pairs };
    await writeFile(join(directory, 'review.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  };
  const checkpoint = await workspace.output.data(write, metrics);
  return successResult(
    open > 0 ? `${open} rows not reviewed` : `${counts.reviewed} rows reviewed`,
    metrics,
    checkpoint,
  );
}

/** Nothing here takes long or can be lost: what was decided is on the disk. */
async function waitForPeople(session: ReviewSession, { file, progress, stop, writer }: Workspace): Promise<void> {
  let decided = await settled(session);
  const rows = session.toRead.length;
  if (decided === rows) return;
  const { server } = await openPage(session, file);
  console.error(`${rows - decided} of ${rows} rows wait for a person`);
  try {
    for (let told = -1; decided < rows; decided = await settled(session)) {
      if (decided !== told) progress.report(reviewPhase, decided, rows);
      else progress.alive();
      told = decided;
      await sleep(lookMs, undefined, { signal: stop.signal }).catch(() => undefined);
      stop.heed('all decisions');
      await writer.check();
    }
  } finally {
    await server.close();
  }
}

async function settled(session: ReviewSession): Promise<number> {
  return (await session.standings()).filter(({ state }) => state === 'settled').length;
}

/** The rows as they pass on. Refuses an edit whose answer does not verify, wherever it came from. */
async function passed(session: ReviewSession, all: readonly Standing[], verify: Verify): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { row: place, outcome } of all) {
    const row = session.row(place.id);
    if (row === undefined || outcome?.decision === 'reject') continue;
    // oxlint-disable-next-line no-await-in-loop -- a file of one's own compares one after the other
    const problem = outcome && (await problemOf(row, outcome, verify));
    if (problem !== undefined) throw new UserError(`decision on ${row.id}: ${problem}`);
    const edited = outcome?.decision === 'edit' ? outcome.completion : undefined;
    rows.push(edited === undefined ? row : withCompletion(row, edited));
  }
  return rows;
}
