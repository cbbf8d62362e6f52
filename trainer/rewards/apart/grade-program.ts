import type { Program } from '../verifiers/code.ts';
import { abstain, correct, type Verdict, wrong } from '../verifiers/verifier.ts';
import type { CodeTests, Job, Outcome } from '../code/code-tests.ts';
import { isSameOutput, isSameValue } from '../code/compare-output.ts';
import { runCode } from '../code/run-code.ts';

const lost: Verdict = { ...abstain, unscored: { because: 'error', message: 'the run of a program was lost' } };

/**
 * Runs a program on all its tests, without network and files, bounded in steps, time and memory; one that fails a test or exceeds a bound is wrong. Where the run itself
 * is lost it abstains.
 */
export async function gradeProgram(gold: CodeTests, { code, language }: Program): Promise<Verdict> {
  const outcomes = await runCode(language, jobOf(code, gold));
  if (outcomes === undefined) return lost;
  return isRight(gold, outcomes) ? correct : wrong;
}

function jobOf(code: string, gold: CodeTests): Job {
  if ('function' in gold) return { code, function: gold.function, args: gold.tests.map(({ args }) => args) };
  return { code, stdin: gold.tests.map(({ stdin }) => stdin) };
}

function isRight(gold: CodeTests, outcomes: readonly Outcome[]): boolean {
  return outcomes.length === gold.tests.length && outcomes.every((outcome, index) => isPassed(gold, index, outcome));
}

function isPassed(gold: CodeTests, index: number, outcome: Outcome): boolean {
  if ('failed' in outcome) return false;
  if (!('function' in gold)) return isSameOutput(gold.tests[index]?.stdout ?? '', outcome.output);
  return isSameValue(gold.tests[index]?.returns, JSON.parse(outcome.output));
}
