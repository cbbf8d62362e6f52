import type { FunnelFigures } from '../funnel.ts';
import type { Claim } from './claims.ts';
import { type Finding, manyUpdates, type TinyRun } from './findings.ts';
import { quotasInFlatMemory } from './funnel-findings.ts';
import type { StageRecord } from './run-record.ts';
import type { TestResults } from './run-tests.ts';

/** What has been run; what was not asked for is absent. */
export interface Evidence {
  readonly tests: TestResults;
  readonly tiny: readonly TinyRun[];
  readonly updates: StageRecord | undefined;
  /** Of each format. */
  readonly funnel: readonly FunnelFigures[] | undefined;
}

/**
 * - `holds`: all that shows the claim was run, and shows it
 * - `in part`: so far as there is something that shows it
 * - `not shown`: nothing does, or none of it was run
 */
export type Verdict = 'holds' | 'in part' | 'not shown' | 'FAILS';

export interface Judged {
  readonly claim: Claim;
  readonly verdict: Verdict;
  /** What was measured, and what is lacking. */
  readonly measured: string;
}

/** Mini-batches of a rollout in `updates.yaml`. */
const perRollout = 4;

export function judgeClaim(claim: Claim, { tests, tiny, updates, funnel }: Evidence): Judged {
  const { tiny: judge, lacks } = claim;
  const checks: readonly { readonly name: string; readonly finding: Finding | undefined }[] = [
    ...(judge ? [{ name: 'a run of examples/r1-tiny.yaml with the stages for it', finding: judge(tiny) }] : []),
    ...(claim.updates
      ? [{ name: 'a run of bench/claims/updates.yaml', finding: updates && manyUpdates(updates, perRollout) }]
      : []),
    ...(claim.funnel ? [{ name: 'bench -- funnel', finding: funnel && quotasInFlatMemory(funnel) }] : []),
    ...(claim.tests.length > 0 ? [{ name: 'its tests', finding: testFinding(claim, tests) }] : []),
  ];
  const made = checks.flatMap(({ finding }) => finding ?? []);
  const notRun = checks.filter(({ finding }) => finding === undefined).map(({ name }) => name);
  const missing = [...notRun.map((name) => `not run: ${name}`), ...(lacks === undefined ? [] : [`lacks ${lacks}`])];
  return {
    claim,
    verdict: verdictOf(made, missing),
    measured: [...made.map(({ found }) => found), ...missing].join('; '),
  };
}

function verdictOf(made: readonly Finding[], missing: readonly string[]): Verdict {
  if (made.some(({ holds }) => !holds)) return 'FAILS';
  if (made.length === 0) return 'not shown';
  return missing.length > 0 ? 'in part' : 'holds';
}

function testFinding({ tests }: Claim, results: TestResults): Finding | undefined {
  if (!tests.every(({ file }) => results.has(file))) return undefined;
  const all = tests.map(({ file, named }) => (results.get(file) ?? []).filter(({ name }) => named?.test(name) ?? true));
  const failed = all.flat().filter(({ passed }) => !passed);
  const [first] = failed;
  if (first) return { holds: false, found: `${failed.length} tests fail, such as "${first.name}"` };
  const empty = tests.find((_, index) => all[index]?.length === 0);
  if (empty)
    return { holds: false, found: `${empty.file} has no test${empty.named ? ` named ${empty.named.source}` : ''}` };
  return { holds: true, found: `${all.flat().length} tests pass` };
}
