import { plainCharacters } from '../numbers/characters.ts';

/** Signs that people type, in LaTeX. */
const signs: Readonly<Record<string, string>> = {
  '×': '\\times ',
  '·': '\\cdot ',
  '⋅': '\\cdot ',
  '∗': '*',
  '÷': '/',
  π: '\\pi ',
  '∞': '\\infty ',
  '≤': '\\le ',
  '≥': '\\ge ',
  '≠': '\\ne ',
  '∪': '\\cup ',
  '∈': '\\in ',
  '±': '\\pm ',
  θ: '\\theta ',
  α: '\\alpha ',
  β: '\\beta ',
  λ: '\\lambda ',
  '∅': '\\emptyset ',
  ℝ: '\\mathbb{R}',
  '°': '^{\\circ}',
};
const signPattern = new RegExp(`[${Object.keys(signs).join('')}]`, 'gu');

/** Functions and letters whose names are written out. */
const names =
  'arcsin arccos arctan sinh cosh tanh sin cos tan sec csc cot ln log exp pi theta alpha beta gamma lambda infty';
const namePattern = new RegExp(String.raw`(?<![\\a-zA-Z])(${names.split(' ').join('|')})(?![a-zA-Z])`, 'g');

/** Spellings of one command. */
const synonyms: readonly (readonly [RegExp, string])[] = [
  [/\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits)(?![a-zA-Z])/g, ''],
  [/\\(?:[dtc]frac)(?![a-zA-Z])/g, '\\frac'],
  [/(?<!\\)\\(?:[,;:! ]|q?quad(?![a-zA-Z]))|~/g, ' '],
  [/\\(?:leq|leqslant)(?![a-zA-Z])/g, '\\le'],
  [/\\(?:geq|geqslant)(?![a-zA-Z])/g, '\\ge'],
  [/\\neq(?![a-zA-Z])/g, '\\ne'],
  [/\\(?:lt|gt)(?![a-zA-Z])/g, (match: string) => (match === '\\lt' ? '<' : '>')],
  [/<=/g, '\\le '],
  [/>=/g, '\\ge '],
  [/!=/g, '\\ne '],
  [/\+\/-/g, '\\pm '],
  [/\\mathbb\s+([A-Z])|\\(R)(?![a-zA-Z])/g, '\\mathbb{$1$2}'],
  [/\\varnothing(?![a-zA-Z])/g, '\\emptyset'],
  [/\\(?:lvert|rvert|vert)(?![a-zA-Z])/g, '|'],
  [/\\[lr]?angle(?![a-zA-Z])/g, (match: string) => (match === '\\langle' ? '(' : match === '\\rangle' ? ')' : match)],
  [/\\(?:operatorname|mathrm|mathit|textit|mathbf|boldsymbol)\s*\{([a-zA-Z])\}/g, '$1'],
  [/\\(?:operatorname|mathrm)\s*\{(sin|cos|tan|ln|log|exp|arcsin|arccos|arctan)\}/g, '\\$1 '],
  [/(?<![\\a-zA-Z])(?:infinity|inf|oo)(?![a-zA-Z])/gi, '\\infty '],
  [/\*\*/g, '^'],
  [/\^\(([^()]{1,40})\)/g, '^{$1}'],
  [/\^(-?\d+)/g, '^{$1}'],
  [/_(\d+)/g, '_{$1}'],
  [/\+\s*-(?=[\d\\a-z])/g, '- '],
].map(([pattern, by]) => [pattern, by] as readonly [RegExp, string]);

/** The same text in the LaTeX that expressions are read from: typed signs, names and spellings as one. Linear in its length. */
export function plainMaths(text: string): string {
  let latex = plainCharacters(text).replaceAll(signPattern, (sign) => signs[sign] ?? sign);
  for (const [pattern, by] of synonyms) latex = latex.replaceAll(pattern, by);
  latex = latex.replaceAll(namePattern, '\\$1 ').replaceAll(/√\s*(\d+|[a-z])/g, '\\sqrt{$1}');
  return rootsOfBrackets(latex.replaceAll(/√\s*(?=\()/g, 'sqrt')).trim();
}

/** `sqrt(…)` as `\sqrt{…}`. */
function rootsOfBrackets(text: string): string {
  if (!/(?<!\\)sqrt\s*\(/.test(text)) return text;
  const pieces: string[] = [];
  const open: boolean[] = [];
  for (const [piece, root] of text.matchAll(/(?<!\\)(sqrt)\s*\(|[()]|[^()s]+|s/g)) {
    if (root !== undefined || piece === '(') open.push(root !== undefined);
    const isRoot = piece === ')' ? open.pop() : root !== undefined;
    pieces.push(!isRoot ? piece : piece === ')' ? '}' : '\\sqrt{');
  }
  return pieces.join('');
}
