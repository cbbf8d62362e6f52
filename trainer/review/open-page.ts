import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UnavailableError } from '../contract/process/errors.ts';
import { addressOf, readReviewPage, reviewPageName, type ReviewPage } from '../contract/files/review.ts';
import type { StageFile } from '../contract/settings/stage-file.ts';
import { ReviewServer } from './review-server.ts';
import type { ReviewSession } from './review-session.ts';

const loopback = '127.0.0.1';

export interface OpenPage {
  readonly server: ReviewServer;
  /** With the token; undefined where whoever has started the stage knows how it is reached. */
  readonly address: string | undefined;
}

/**
 * Serves the page of a review to this machine alone; on a cluster to its pod, to which a port is forwarded.
 *
 * A page that somebody has open keeps decisions that it could not send, under its address: so it comes back where it was, with
 * the token that it had.
 */
export async function openPage(session: ReviewSession, { out, reviewPage: given }: StageFile): Promise<OpenPage> {
  if (given) {
    const token = (await readFile(given.tokenFile, 'utf8')).trim();
    return {
      server: await ReviewServer.listen(session, { host: loopback, port: given.port, token }),
      address: undefined,
    };
  }
  const path = join(out, reviewPageName);
  const before = await readReviewPage(out);
  const token = before?.token ?? randomBytes(24).toString('base64url');
  const server = await listen(session, token, before?.port);
  const page: ReviewPage = { port: server.port, token };
  await rm(path, { force: true }); // an old one would keep its mode
  await writeFile(path, JSON.stringify(page), { mode: 0o600, flag: 'wx' });
  return { server, address: addressOf(page) };
}

async function listen(session: ReviewSession, token: string, port: number | undefined): Promise<ReviewServer> {
  try {
    return await ReviewServer.listen(session, { host: loopback, port: port ?? 0, token });
  } catch (error) {
    if (port === undefined || !(error instanceof UnavailableError)) throw error;
    return ReviewServer.listen(session, { host: loopback, port: 0, token });
  }
}
