import { agree, type Decision } from './decision.ts';

/** A row as far as deciding on it goes. */
export interface RowToRead {
  readonly id: string;
  /** `textDigest` of its completion. */
  readonly digest: string;
  /** People who have to decide on it. */
  readonly readers: 1 | 2;
}

/**
 * What people have made of a row:
 *
 *   open ── as many as have to read it have decided ──► settled, if they agree
 *                                                   └─► disputed ── one of them comes round, or a third person decides ──► settled
 */
export interface Standing {
  readonly row: RowToRead;
  /** The last decision of each reviewer, in the order in which they first decided. */
  readonly decisions: readonly Decision[];
  /** What two readers said before either knew of the other's decision; absent before both have. */
  readonly independent?: readonly [Decision, Decision];
  readonly state: 'open' | 'disputed' | 'settled';
  /** What becomes of the row; there once it is settled. */
  readonly outcome?: Decision;
}

/**
 * How every row stands after these decisions, the oldest first. Decisions on rows that are not there, or that have become
 * others since, do not count.
 */
export function standings(rows: readonly RowToRead[], decisions: readonly Decision[]): Standing[] {
  const byRow = Map.groupBy(decisions, ({ id }) => id);
  return rows.map((row) => {
    const made = byRow.get(row.id) ?? [];
    return standingOf(
      row,
      made.filter(({ of }) => of === undefined || of === row.digest),
    );
  });
}

function standingOf(row: RowToRead, made: readonly Decision[]): Standing {
  const last = new Map<string, Decision>();
  let independent: readonly [Decision, Decision] | undefined;
  for (const each of made) {
    last.set(each.reviewer, each);
    const [first, second] = last.values();
    if (first && second) independent ??= [first, second];
  }
  const decisions = [...last.values()];
  const outcome = row.readers === 1 ? made.at(-1) : jointOutcome(decisions, made);
  const state = outcome ? 'settled' : decisions.length < row.readers ? 'open' : 'disputed';
  return {
    row,
    decisions,
    ...(row.readers === 2 && independent && { independent }),
    state,
    ...(outcome && { outcome }),
  };
}

/** Of a row with two readers: what both say, or else the last word of anybody else. */
function jointOutcome([first, second]: readonly Decision[], made: readonly Decision[]): Decision | undefined {
  if (!first || !second) return undefined;
  if (agree(first, second)) return second;
  return made.findLast(({ reviewer }) => reviewer !== first.reviewer && reviewer !== second.reviewer);
}
