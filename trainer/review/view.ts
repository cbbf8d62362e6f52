import { type Agreement, agreementOf } from './agreement.ts';
import type { Decision } from './decision.ts';
import { type ReviewSession, tally } from './review-session.ts';
import type { Standing } from './standing.ts';

/** What the page shows of all rows, whoever looks at it. */
export function rowsView({ of: { pipeline, stage, rows }, toRead }: ReviewSession) {
  return {
    pipeline,
    stage,
    rows: [...rows].map(({ id, messages, completion = '', answer, language, domain }, at) => ({
      id,
      messages,
      completion,
      domain,
      language,
      answer: answer && { kind: answer.kind, gold: answer.gold },
      readers: toRead[at]?.readers,
    })),
  };
}

export interface StandingsView {
  readonly rows: readonly {
    readonly id: string;
    readonly state: Standing['state'];
    /** What this reviewer decided last. */
    readonly mine?: Decision;
    /** What others decided; not told before a second reader has decided as well. */
    readonly others: readonly Decision[];
  }[];
  readonly summary: ReturnType<typeof tally> & { readonly agreement: Agreement };
  readonly complete: boolean;
}

/** How the rows stand that somebody has decided on, as one reviewer may see it. */
export function standingsView(all: readonly Standing[], reviewer: string): StandingsView {
  const decided = all.filter(({ decisions }) => decisions.length > 0);
  return {
    rows: decided.map(({ row, state, decisions }) => {
      const mine = decisions.find((each) => each.reviewer === reviewer);
      const others = decisions.filter((each) => each !== mine);
      return { id: row.id, state, ...(mine && { mine }), others: state === 'open' ? [] : others };
    }),
    summary: { ...tally(all), agreement: agreementOf(all) },
    complete: all.every(({ state }) => state === 'settled'),
  };
}
