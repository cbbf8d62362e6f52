import type { ReviewSession } from './review-session.ts';
import type { Decision } from './decision.ts';

/**
 * The rows of a review as JSONL for people with a tool of their own: a line for every decision, and for every one that is
 * missing a line whose `decision` is null.
 *
 * @param reviewer only what this person has decided or has yet to decide, without a word of others
 */
export async function* exportRows(session: ReviewSession, reviewer?: string): AsyncGenerator<string> {
  for (const { row: place, decisions, state } of await session.standings()) {
    const row = session.row(place.id);
    if (row === undefined) continue;
    const { id, messages, completion = '', answer, language } = row;
    const line = (made?: Decision): string => {
      const { decision = null, reviewer: by = reviewer ?? null, comment = '', completion: edited } = made ?? {};
      const shown = { completion: edited ?? completion, decision, reviewer: by, comment, of: place.digest };
      return `${JSON.stringify({ id, ...(language && { language }), messages, ...(answer && { answer }), ...shown })}\n`;
    };
    const mine = decisions.filter((each) => reviewer === undefined || each.reviewer === reviewer);
    for (const each of mine) yield line(each);
    if (mine.length === 0 ? state !== 'settled' : reviewer === undefined && state === 'open') yield line();
  }
}
