import { join } from 'node:path';
import { reviewDecisionsName } from '../contract/files/checkpoint.ts';
import type { Row } from '../contract/settings/dataset.ts';
import type { RowList } from '../data/lists/row-list.ts';
import type { Verify } from '../rewards/modules/own-verifiers.ts';
import { agree, textDigest, type Decision } from './decision.ts';
import { problemOf } from './check-edit.ts';
import { DecisionLog } from './decision-log.ts';
import { secondReaders } from './second-readers.ts';
import { type RowToRead, standings, type Standing } from './standing.ts';

export interface ReviewOf {
  readonly pipeline: string;
  readonly stage: string;
  readonly rows: RowList;
  /** The stage's directory. */
  readonly out: string;
  /** Share of the rows that two people read, 0 … 1. */
  readonly secondReader: number;
  readonly seed: number;
  readonly verify: Verify;
}

/** What people make of some rows: the one place where decisions are checked and kept. */
export class ReviewSession {
  readonly of: ReviewOf;
  readonly toRead: readonly RowToRead[];
  readonly #log: DecisionLog;
  readonly #places = new Map<string, number>();
  #read: { decisions: readonly Decision[]; standings: readonly Standing[] } | undefined;
  /** One after the other: a decision is held against those before it. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(of: ReviewOf) {
    this.of = of;
    this.#log = new DecisionLog(join(of.out, reviewDecisionsName));
    const rows = [...of.rows];
    const twice = secondReaders(
      rows.map(({ id }) => id),
      of.secondReader,
      of.seed,
    );
    this.toRead = rows.map((row) => ({ id: row.id, digest: textDigest(row), readers: twice.has(row.id) ? 2 : 1 }));
    for (const [place, { id }] of this.toRead.entries()) this.#places.set(id, place);
  }

  /** How the rows stand now, in their order, whoever has decided. @throws UserError `file:line: …` */
  async standings(): Promise<readonly Standing[]> {
    const decisions = await this.#log.read();
    if (this.#read?.decisions !== decisions) {
      this.#read = { decisions, standings: standings(this.toRead, decisions) };
    }
    return this.#read.standings;
  }

  row(id: string): Row | undefined {
    const place = this.#places.get(id);
    return place === undefined ? undefined : this.of.rows.at(place);
  }

  digestOf(id: string): string | undefined {
    return this.toRead[this.#places.get(id) ?? -1]?.digest;
  }

  /**
   * Keeps decisions, all or none; those that say again what their reviewer said last are no news.
   *
   * @returns how many were news, or why each of the others cannot be taken, by its place among them
   */
  decide(made: readonly Decision[]): Promise<{ added: number } | { problems: ReadonlyMap<number, string> }> {
    const turn = this.#turn.then(() => this.#decide(made));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #decide(made: readonly Decision[]) {
    const problems = new Map<number, string>();
    const news = new Map<string, Decision>();
    const before = await this.standings();
    for (const [at, each] of made.entries()) {
      const place = this.#places.get(each.id);
      const row = place === undefined ? undefined : this.of.rows.at(place);
      const problem = row ? await problemOf(row, each, this.of.verify) : `no row has the id ${JSON.stringify(each.id)}`;
      if (problem !== undefined) problems.set(at, problem);
      if (!row || place === undefined || problem !== undefined) continue;
      const key = JSON.stringify([each.id, each.reviewer]);
      const last = news.get(key) ?? before[place]?.decisions.find(({ reviewer }) => reviewer === each.reviewer);
      if (last && agree(last, each) && (last.comment ?? '') === (each.comment ?? '')) continue;
      const { completion, ...rest } = each;
      const time = each.time ?? new Date().toISOString();
      const kept = each.decision === 'edit' && completion !== undefined ? { ...rest, completion } : rest;
      news.delete(key); // the newest comes last
      news.set(key, { ...kept, time, of: textDigest(row) });
    }
    if (problems.size > 0) return { problems };
    await this.#log.append([...news.values()]);
    return { added: news.size };
  }
}

/** `3 of 8 rows wait for a person` */
export async function openInWords(session: ReviewSession): Promise<string> {
  const { metrics } = tally(await session.standings());
  const { not_reviewed: open } = metrics;
  return open === 0 ? 'all rows are reviewed' : `${open} of ${session.toRead.length} rows wait for a person`;
}

/** What the rows come to, in figures. */
export function tally(all: readonly Standing[]) {
  const outcomes = all.flatMap(({ outcome }) => outcome ?? []);
  const count = (decision: Decision['decision']): number =>
    outcomes.filter((each) => each.decision === decision).length;
  const names = new Set(
    all.filter(({ outcome }) => outcome).flatMap(({ decisions }) => decisions.map((d) => d.reviewer)),
  );
  const rejected = count('reject');
  return {
    metrics: {
      reviewed: outcomes.length,
      not_reviewed: all.length - outcomes.length,
      edited: count('edit'),
      rejected,
      rows: all.length - rejected,
    },
    disputed: all.filter(({ state }) => state === 'disputed').length,
    reviewers: [...names].toSorted(),
  };
}
