import { type Command, Option } from 'commander';
import type { Grade } from '../../trainer/data/grading/grade-rows.ts';
import type { RewardFile, ScoredRow } from '../../trainer/data/grading/score-rows.ts';
import { explainGrade, explainScore } from '../explain-grade.ts';
import { cliExitCodes } from '../exit-codes.ts';
import { addVerifierOptions, rewardOf, type VerifierOptions } from '../verifier-options.ts';

interface GradeOptions extends VerifierOptions {
  readonly output?: 'jsonl';
}

export function addGrade(program: Command): void {
  const command = program
    .command('grade')
    .description('hold completions against gold answers, and say what a verifier makes of them and why')
    .argument('<file>', 'JSONL or Parquet file: completion and answer in every row; - is stdin');
  addVerifierOptions(command)
    .addOption(new Option('-o, --output <format>', 'for machines: one JSON object a row').choices(['jsonl']))
    .action(async (file: string, { output, ...options }: GradeOptions) => {
      const reward = rewardOf(options);
      if (reward !== undefined) return score(file, reward, output);
      const { kind, in: place, language } = options;
      const defaults = { kind, in: place, language };
      const { gradeRows } = await import('../../trainer/data/grading/grade-rows.ts'); // no other command needs verifiers
      const counts = new Counts();
      for await (const grade of gradeRows(file, defaults)) {
        counts.add(grade);
        console.log(output === 'jsonl' ? JSON.stringify(grade) : explainGrade(grade));
      }
      (output === 'jsonl' ? console.error : console.log)(counts.summary());
      if (counts.differing > 0) process.exitCode = cliExitCodes.failed;
    });
}

async function score(file: string, reward: RewardFile, output: GradeOptions['output']): Promise<void> {
  const { scoreRows } = await import('../../trainer/data/grading/score-rows.ts');
  const rows: ScoredRow[] = [];
  for await (const row of scoreRows(file, reward)) {
    rows.push({ ...row, completion: '' }); // counted, and no more
    console.log(output === 'jsonl' ? JSON.stringify(row) : explainScore(row));
  }
  (output === 'jsonl' ? console.error : console.log)(summaryOf(rows));
  if (rows.some((row) => isSurprise(row) || isFault(row))) process.exitCode = cliExitCodes.failed;
}

/** `3 rows: 2 scored (mean 0.75), 1 timeout; 1 not as expected` */
function summaryOf(rows: readonly ScoredRow[]): string {
  const scores = rows.flatMap(({ score: each }) => each ?? []);
  const mean = scores.reduce((sum, each) => sum + each, 0) / scores.length;
  const unscored = (['abstain', 'timeout', 'error'] as const).flatMap((reason) => {
    const count = rows.filter(({ because }) => because === reason).length;
    return count === 0 ? [] : [`${count} ${reason}`];
  });
  const counts = [
    scores.length === 0 ? '0 scored' : `${scores.length} scored (mean ${mean.toPrecision(3)})`,
    ...unscored,
  ];
  const differing = rows.filter(isSurprise).length;
  const surprise = differing === 0 ? '' : `; ${differing} not as expected`;
  return `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}: ${counts.join(', ')}${surprise}`;
}

function isSurprise({ score: found, expect }: ScoredRow): boolean {
  return expect !== undefined && expect !== found;
}

/** A reward may abstain; what throws or hangs is broken, whatever was expected of it. */
function isFault({ because }: ScoredRow): boolean {
  return because === 'error' || because === 'timeout';
}

class Counts {
  readonly #outcomes = new Map<string, number>();
  #rows = 0;
  differing = 0;

  add({ outcome, expect }: Grade): void {
    this.#rows++;
    this.#outcomes.set(outcome, (this.#outcomes.get(outcome) ?? 0) + 1);
    if (expect !== undefined && expect !== outcome) this.differing++;
  }

  /** `3 rows: 1 correct, 2 wrong; 1 is not as expected` */
  summary(): string {
    const counts = ['correct', 'partial', 'wrong', 'abstain'].flatMap((outcome) => {
      const count = this.#outcomes.get(outcome);
      return count === undefined ? [] : [`${count} ${outcome}`];
    });
    const rows = `${this.#rows} ${this.#rows === 1 ? 'row' : 'rows'}`;
    const differing = this.differing === 0 ? '' : `; ${this.differing} not as expected`;
    return `${rows}: ${counts.join(', ')}${differing}`;
  }
}
