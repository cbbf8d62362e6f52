import { createHash } from 'node:crypto';
import { type CodeTests, codeTests, type Language } from '../code/code-tests.ts';
import { lastCodeBlock } from '../code/last-code-block.ts';
import { parseJson } from '../answers/structured-gold.ts';
import { abstain, type Verifier } from './verifier.ts';

/** An answer that is still to be run. */
export interface Program {
  readonly code: string;
  readonly language: Language;
}

/** A program that passes all test cases: calls of a function, or input and output. `gradeProgram` runs it; nobody else can tell. */
export const codeVerifier: Verifier<CodeTests, Program> = {
  expects:
    'an object {language: "python" or "javascript", function: name, tests: [{args: [values], returns: value}]}, {language, tests: [{stdin: text, stdout: text}]}, or {inputs, outputs, fn_name} as APPS has it',
  parseGold: (text) => parseJson(codeTests, text),
  find: (text) => lastCodeBlock(text)?.text ?? text,
  read(text, _language, gold) {
    const block = lastCodeBlock(text);
    const code = block?.code ?? text.trim();
    if (code === '' || code.length > 100_000) return undefined;
    return { code, language: gold.language ?? block?.language ?? 'python' };
  },
  grade: () => abstain,
  spell: ({ code, language }) =>
    `sha256:${createHash('sha256').update(`${language}\n${code}`).digest('hex').slice(0, 16)}`,
  spellGold: ({ language, tests }) =>
    `${tests.length} test${tests.length === 1 ? '' : 's'}${language === undefined ? '' : ` in ${language}`}`,
};
