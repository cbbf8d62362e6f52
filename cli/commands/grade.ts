import { type Command, Option } from 'commander';
import { answerKinds, answerPlaces } from '../../trainer/contract/dataset.ts';
import { languages } from '../../trainer/contract/languages.ts';
import type { Grade, GradeDefaults } from '../../trainer/data/grade-rows.ts';
import { explainGrade } from '../explain-grade.ts';
import { cliExitCodes } from '../exit-codes.ts';

interface GradeOptions extends GradeDefaults {
  readonly output?: 'jsonl';
}

export function addGrade(program: Command): void {
  program
    .command('grade')
    .description('hold completions against gold answers, and say what a verifier makes of them and why')
    .argument('<file>', 'JSONL or Parquet file: completion and answer in every row; - is stdin')
    .addOption(new Option('--kind <kind>', 'how answers are compared (default: number)').choices(answerKinds))
    .addOption(new Option('--in <place>', 'where the answer is read (default: answerTag)').choices(answerPlaces))
    .addOption(new Option('--language <code>', 'language of the completions').choices(languages))
    .addOption(new Option('-o, --output <format>', 'for machines: one JSON object a row').choices(['jsonl']))
    .action(async (file: string, { output, ...defaults }: GradeOptions) => {
      const { gradeRows } = await import('../../trainer/data/grade-rows.ts'); // no other command needs verifiers
      const counts = new Counts();
      for await (const grade of gradeRows(file, defaults)) {
        counts.add(grade);
        console.log(output === 'jsonl' ? JSON.stringify(grade) : explainGrade(grade));
      }
      (output === 'jsonl' ? console.error : console.log)(counts.summary());
      if (counts.differing > 0) process.exitCode = cliExitCodes.failed;
    });
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
