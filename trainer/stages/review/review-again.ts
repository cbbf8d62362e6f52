import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../../contract/process/errors.ts';
import { addressOf, readReviewPage, type ReviewPage } from '../../contract/files/review.ts';
import { exportRows } from '../../review/export-rows.ts';
import { importDecisions, importInWords } from '../../review/import-decisions.ts';
import { openPage } from '../../review/open-page.ts';
import { openInWords, type ReviewSession, tally } from '../../review/review-session.ts';
import { OwnVerifiers } from '../../rewards/modules/own-verifiers.ts';
import { stopOnSignals } from '../../stop-on-signals.ts';
import { openReview } from './open-review.ts';
import { readStageFile } from '../workspace/read-stage-file.ts';
import { StageInputs } from '../workspace/stage-inputs.ts';

export interface ReviewAgainOptions {
  readonly stage: string;
  /** File that gets all rows, as JSONL. */
  readonly export?: string;
  /** File with decisions, as JSONL. */
  readonly import?: string;
  readonly reviewer?: string;
}

const lookMs = 500;

/** Lets people go on with a review whose stage may wait, or has been stopped: what they decide is there when it goes on. */
export async function reviewAgain(options: ReviewAgainOptions): Promise<void> {
  const stop = stopOnSignals();
  const file = await readStageFile(options.stage);
  const verifiers = new OwnVerifiers(file.datasets, { signal: stop });
  try {
    const session = await openReview(file, new StageInputs(file, () => undefined), verifiers.verify);
    if (options.export !== undefined) await exportTo(options.export, session, options.reviewer);
    else if (options.import !== undefined) await importFrom(options.import, session, options.reviewer);
    else await servePage(session, file, stop);
  } finally {
    verifiers.close();
  }
}

async function exportTo(path: string, session: ReviewSession, reviewer: string | undefined): Promise<void> {
  await pipeline(exportRows(session, reviewer), path === '-' ? process.stdout : createWriteStream(path));
}

async function importFrom(path: string, session: ReviewSession, reviewer: string | undefined): Promise<void> {
  const name = path === '-' ? 'stdin' : path;
  const text = await readFile(path === '-' ? '/dev/stdin' : path, 'utf8').catch((cause: Error) => {
    throw new UserError(`${name}: ${cause.message}`, { cause });
  });
  console.log(await importInWords(session, await importDecisions(session, text, { name, reviewer })));
}

async function servePage(
  session: ReviewSession,
  file: Awaited<ReturnType<typeof readStageFile>>,
  stop: AbortSignal,
): Promise<void> {
  const waiting = await readReviewPage(file.out);
  const said = await openInWords(session);
  if (waiting && (await answers(waiting))) return console.log(`${said}: ${addressOf(waiting)}`);
  const isOpen = async (): Promise<boolean> => tally(await session.standings()).metrics.not_reviewed > 0;
  if (!(await isOpen())) return console.log(`${said}; r1 run goes on`);
  const { server, address } = await openPage(session, file);
  console.log(`${said}: ${address}\nCtrl-C ends the page; all decisions are kept`);
  while (!stop.aborted && (await isOpen())) await sleep(lookMs, undefined, { signal: stop }).catch(() => undefined);
  await server.close();
  console.log(`${await openInWords(session)}; r1 run goes on`);
}

/** The stage serves its page now. */
async function answers({ port, token }: ReviewPage): Promise<boolean> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(2000);
    return (await fetch(`http://127.0.0.1:${port}/api/standings`, { headers, signal })).ok;
  } catch {
    return false;
  }
}
