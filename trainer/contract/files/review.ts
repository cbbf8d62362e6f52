import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Phase of a stage whose work is up to people. */
export const reviewPhase = 'review';

/** In the directory of a stage that waits for people on this machine: where its page is. Readable by its owner alone. */
export const reviewPageName = 'review-page.json';

const reviewPage = z.object({
  port: z.int().min(1).max(65535),
  token: z.string().min(1),
});
export type ReviewPage = z.infer<typeof reviewPage>;

/** The token is in the part of the address that browsers send to nobody. */
export function addressOf({ port, token }: ReviewPage): string {
  return `http://127.0.0.1:${port}/#${token}`;
}

/** Where the page of a stage is, or was last; undefined before it had one. */
export async function readReviewPage(out: string): Promise<ReviewPage | undefined> {
  try {
    return reviewPage.parse(JSON.parse(await readFile(join(out, reviewPageName), 'utf8')));
  } catch {
    return undefined;
  }
}
