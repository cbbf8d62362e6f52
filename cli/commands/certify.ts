import { type Command, Option } from 'commander';
import { UserError } from '../../trainer/contract/process/errors.ts';
import type { GradeDefaults } from '../../trainer/data/grading/grade-rows.ts';
import type { CheckResult } from '../../trainer/rewards/certify/certify.ts';
import { cliExitCodes } from '../exit-codes.ts';
import { addVerifierOptions, rewardOf, type VerifierOptions } from '../verifier-options.ts';

interface CertifyOptions extends VerifierOptions {
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly output?: 'jsonl';
}

export function addCertify(program: Command): void {
  const command = program
    .command('certify')
    .description('hold a verifier against labelled completions and changed answers, and refuse one that fails')
    .argument(
      '<file>',
      'JSONL or Parquet file: completion, gold and label (correct, partial, wrong) in every row; - is stdin',
    );
  addVerifierOptions(command)
    .addOption(new Option('--false-positives <share>', 'of wrong rows that may pass').argParser(share).default(0))
    .addOption(new Option('--false-negatives <share>', 'of right rows that may not').argParser(share).default(0))
    .addOption(new Option('-o, --output <format>', 'for machines: one JSON object a check').choices(['jsonl']))
    .action(async (file: string, { falsePositives, falseNegatives, output, ...options }: CertifyOptions) => {
      const { certifyRows } = await import('../../trainer/data/grading/certify-rows.ts'); // no other command needs it
      const { kind, in: place, language } = options;
      const builtIn: GradeDefaults = { kind, in: place, language };
      const candidate = rewardOf(options) ?? { builtIn };
      const results = await certifyRows(file, candidate, { falsePositives, falseNegatives });
      for (const result of results) console.log(output === 'jsonl' ? JSON.stringify(result) : explain(result));
      const failed = results.filter(({ passed }) => !passed).map(({ name }) => name);
      const verdict = failed.length === 0 ? `certified: ${results.length} checks` : `refused: ${failed.join(', ')}`;
      (output === 'jsonl' ? console.error : console.log)(verdict);
      if (failed.length > 0) process.exitCode = cliExitCodes.refused;
    });
}

/** `refused  false positives: 1 of 3; line 4: correct for "…"; expected no better than its label` */
function explain({ name, expects, asked, failed, failures, passed }: CheckResult): string {
  const words = failures.map(({ line, completion, gold, outcome }) => {
    const against = gold === undefined ? '' : `, gold ${shown(gold)}`;
    return `           line ${line}: ${outcome} for ${shown(completion)}${against}; expected ${expects}`;
  });
  return [`${passed ? 'ok       ' : 'refused  '}  ${name}: ${failed} of ${asked}`, ...words].join('\n');
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 40)}…${text.slice(-39)}` : text);
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  throw new UserError(`found ${JSON.stringify(text)}, expected a share between 0 and 1`);
}
