import { createHash } from 'node:crypto';
import { type CodeTests, codeTests, type Job, type Language, type Outcome, type Runner } from '../code/code-tests.ts';
import { isSameOutput, isSameValue } from '../code/compare-output.ts';
import { javaScriptRunner } from '../code/javascript-runner.ts';
import { lastCodeBlock } from '../code/last-code-block.ts';
import { parseJson } from './structured-gold.ts';
import { abstain, correct, type Verifier, wrong } from './verifier.ts';

const runners: Record<Language, Runner> = { javascript: javaScriptRunner };

interface Run {
  readonly code: string;
  /** `undefined` where the run was lost. */
  readonly passed: boolean | undefined;
}

/**
 * A program that passes all test cases: calls of a function, or input and output. It runs without network and files, bounded in steps and memory; one that exceeds a
 * bound is wrong. Where the run itself is lost it abstains.
 */
export const codeVerifier: Verifier<CodeTests, Run> = {
  expects:
    'an object {language: "javascript", function: name, tests: [{args: [values], returns: value}]} or {language, tests: [{stdin: text, stdout: text}]}',
  parseGold: (text) => parseJson(codeTests, text),
  find: (text) => lastCodeBlock(text) ?? text,
  read(text, _language, gold) {
    const code = lastCodeBlock(text) ?? text.trim();
    if (code === '' || code.length > 100_000) return undefined;
    const outcomes = runners[gold.language].run(jobOf(code, gold));
    return {
      code,
      passed:
        outcomes &&
        outcomes.length === gold.tests.length &&
        outcomes.every((outcome, index) => isPassed(gold, index, outcome)),
    };
  },
  grade: (_gold, { passed }) => (passed === undefined ? abstain : passed ? correct : wrong),
  spell: ({ code }) => `sha256:${createHash('sha256').update(code).digest('hex').slice(0, 16)}`,
  spellGold: ({ language, tests }) => `${tests.length} test${tests.length === 1 ? '' : 's'} in ${language}`,
};

function jobOf(code: string, gold: CodeTests): Job {
  if ('function' in gold) return { code, function: gold.function, args: gold.tests.map(({ args }) => args) };
  return { code, stdin: gold.tests.map(({ stdin }) => stdin) };
}

function isPassed(gold: CodeTests, index: number, outcome: Outcome): boolean {
  if ('failed' in outcome) return false;
  if (!('function' in gold)) return isSameOutput(gold.tests[index]?.stdout ?? '', outcome.output);
  return isSameValue(gold.tests[index]?.returns, JSON.parse(outcome.output));
}
