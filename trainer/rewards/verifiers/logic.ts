import { z } from 'zod';
import { lastBox } from '../answers/boxed.ts';
import { type Formula, readFormula } from '../logic/read-formula.ts';
import { dependsOn, maxVariables, spellColumn, truthColumn, variablesOf } from '../logic/truth.ts';
import { lastFormula } from '../maths/last-formula.ts';
import { undress } from '../answers/undress.ts';
import { parseJson } from '../answers/structured-gold.ts';
import { correct, type Verifier, wrong } from './verifier.ts';

const toSatisfy = z.strictObject({ satisfy: z.string() });

type Gold = { readonly formula: Formula; readonly text: string; readonly satisfy: boolean };
type Read = { readonly right: boolean; readonly spelling: string };

/**
 * A formula of propositional logic that has the truth table of the gold formula, in any form; of `true` and `false` the word itself. Or, where the gold answer is
 * `{satisfy: formula}`, values of all its variables that make it true.
 */
export const logicVerifier: Verifier<Gold, Read> = {
  expects: `true, false, a formula such as p \\land (q \\to \\neg r) of at most ${maxVariables} variables, or an object {satisfy: formula} of one that can be true`,
  parseGold(text) {
    const satisfy = parseJson(toSatisfy, text)?.satisfy;
    const formula = readFormula(bare(satisfy ?? text));
    if (formula === undefined) return undefined;
    const variables = [...variablesOf(formula)];
    if (variables.length > maxVariables) return undefined;
    if (satisfy !== undefined && truthColumn(formula, variables) === 0n) return undefined;
    return { formula, text: satisfy ?? text, satisfy: satisfy !== undefined };
  },
  find: (text) => lastBox(text) ?? lastFormula(text) ?? text.trim().split('\n').at(-1),
  read: (text, _language, gold) =>
    gold.satisfy ? readValues(bare(text), gold.formula) : readEqual(bare(text), gold.formula),
  grade: (_gold, { right }) => (right ? correct : wrong),
  spell: ({ spelling }) => spelling,
  spellGold: ({ formula, text, satisfy }) => (satisfy ? `true: ${text}` : tableOf(formula)),
};

function bare(text: string): string {
  return undress((lastBox(text) ?? text).replaceAll(/\\(?:left|right|,|;|!|text|mathrm)(?![a-zA-Z])|\$/g, ' '));
}

function readEqual(text: string, gold: Formula): Read | undefined {
  const said =
    /^(?:yes|no|t|f|1|0)$/i.test(text) && 'truth' in gold ? { truth: /^(?:yes|t|1)$/i.test(text) } : undefined;
  const answer = said ?? readFormula(text);
  if (answer === undefined || new Set([...variablesOf(gold), ...variablesOf(answer)]).size > maxVariables)
    return undefined;
  // A tautology has not been worked out.
  const isOfKind = 'truth' in answer === 'truth' in gold;
  const spelling = tableOf(answer);
  return {
    right: isOfKind && spelling === tableOf(gold),
    spelling: isOfKind ? spelling : `not worked out: ${spelling}`,
  };
}

/** A truth table over the variables that it depends on, so that formulas that are equal have the same. */
function tableOf(formula: Formula): string {
  if ('truth' in formula) return String(formula.truth);
  const variables = [...variablesOf(formula)].toSorted();
  const column = truthColumn(formula, variables);
  const needed = variables.filter((_variable, index) => dependsOn(column, index, variables.length));
  if (needed.length === 0) return String(column !== 0n);
  return `${needed.join(' ')}: ${spellColumn(truthColumn(formula, needed), needed.length)}`;
}

/** `p = true, q = 0`, each variable once. */
function readValues(text: string, formula: Formula): Read | undefined {
  const values = new Map<string, boolean>();
  for (const part of text.split(/[,;\n]|\band\b/i)) {
    if (part.trim() === '') continue;
    const [, variable = '', value = ''] =
      /^\s*([a-zA-Z](?:_?\{?\d{1,3}\}?)?)\s*(?:=|:|is|\\equiv)\s*(true|false|t|f|1|0)\s*$/i.exec(part) ?? [];
    const name = variable.replaceAll(/[_{}]/g, '');
    if (value === '' || values.has(name)) return undefined;
    values.set(name, /^(?:true|t|1)$/i.test(value));
  }
  const variables = [...variablesOf(formula)].toSorted();
  if (values.size !== variables.length || !variables.every((variable) => values.has(variable))) return undefined;
  const line = variables.reduce((sum, variable, index) => sum + (values.get(variable) ? 2 ** index : 0), 0);
  const right = ((truthColumn(formula, variables) >> BigInt(line)) & 1n) === 1n;
  return { right, spelling: variables.map((variable) => `${variable} = ${values.get(variable)}`).join(', ') };
}
