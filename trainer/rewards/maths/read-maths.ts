import { lastBox } from '../answers/boxed.ts';
import { readNumber } from '../numbers/read-number.ts';
import { variablesOf } from './evaluate.ts';
import { readExpression } from './expression.ts';
import { intervalOf } from './interval-of.ts';
import { formulaOf, infinity, type Maths, type RelationSign } from './maths.ts';
import { plainMaths } from './plain-maths.ts';
import { insideBrackets, splitOutside } from './structure.ts';

const maxLength = 600;
const maxItems = 64;

/**
 * Reads one answer in LaTeX or as it is typed, however it is dressed.
 *
 * @param language of the text; decides what commas and points mean in numbers
 */
export function readMaths(text: string, language?: string): Maths | undefined {
  const bare = withoutDress(lastBox(text) ?? text);
  if (bare === '' || bare.length > maxLength) return undefined;
  return readPart(bare, language, 0);
}

function withoutDress(text: string): string {
  let bare = text.trim();
  for (let layer = 0; layer < 4; layer++) {
    const [, , inside = bare] = /^(\*\*|\$\$?|`)([^]*)\1$/.exec(bare) ?? [];
    const [, formula = inside] = /^\\[([]([^]*)\\[)\]]$/.exec(inside) ?? [];
    const said = formula.replace(/^\s*(?:so |thus |hence )?(?:the )?(?:final )?answer(?: is)?\s*:?\s+/i, '');
    bare = said
      .trim()
      .replace(/(?<!\\)[.;]$/, '')
      .trim();
  }
  return bare;
}

function readPart(text: string, language: string | undefined, depth: number): Maths | undefined {
  if (depth > 3) return undefined;
  // `(5)` is 5, and `\{5\}` is a set.
  const value = /^\\?\{|^\[/.test(text) ? undefined : readNumber(text, language);
  if (value !== undefined) return { kind: 'number', value, ...(/%\s*\$?$/.test(text) && { percent: true }) };
  const latex = withoutDegrees(withoutWords(plainMaths(text))).replace(/^[a-zA-Z]\s*\\in(?![a-zA-Z])\s*/, '');
  return (
    readCollection(latex, language, depth) ??
    readChain(latex, language, depth) ??
    readRelation(latex) ??
    readFormula(latex)
  );
}

/** Units behind a number, and "or" between answers. */
function withoutWords(latex: string): string {
  return latex
    .replaceAll(/\\(?:text|mathrm|textrm|mbox)\s*\{\s*,?\s*(?:or|and)\s*\}/g, ',')
    .replaceAll(/(?<![\\a-zA-Z]),?\s(?:or|and)\s/g, ',')
    .replaceAll(/(?<=[\d}i)])\s*\\(?:text|mathrm|textrm|mbox)\s*\{[\sa-zA-Z./]*\}(?:\^\{?\d\}?)?$/g, '')
    .trim();
}

/** Degrees are a unit as others are, `90^\circ - x`, unless a function takes them: the sine of 30 is another one than that of 30 degrees. */
function withoutDegrees(latex: string): string {
  if (/\\(?:sin|cos|tan|sec|csc|cot)(?![a-zA-Z])/.test(latex)) return latex;
  return latex.replaceAll(/(?<=[\d}a-z)])\s*\^\s*\{?\s*\\circ(?![a-zA-Z])\s*\}?/g, '').trim();
}

function readCollection(latex: string, language: string | undefined, depth: number): Maths | undefined {
  if (/^\\emptyset$|^\\\{\s*\\\}$/.test(latex)) return { kind: 'set', items: [] };
  if (latex === '\\mathbb{R}')
    return { kind: 'sequence', open: '(', close: ')', items: [infinity(true), infinity(false)] };
  const matrix = readMatrix(latex, language, depth);
  if (matrix !== undefined) return matrix;
  const list = splitOutside(latex, /,|;/);
  if (list.parts.length > 1) return collect(list.parts, language, depth);
  const union = splitOutside(latex, /\\cup(?![a-zA-Z])|(?<=[)\]])\s*U\s*(?=[([])/);
  if (union.parts.length > 1) return items(union.parts, language, depth, (found) => ({ kind: 'union', items: found }));
  const signs = splitOutside(latex, /\\pm(?![a-zA-Z])/);
  if (signs.parts.length === 2) return collect([signs.parts.join('+'), signs.parts.join('-')], language, depth);
  const brackets = insideBrackets(latex);
  if (brackets === undefined) return undefined;
  const { open, inside, close } = brackets;
  const { parts } = splitOutside(inside, /,/);
  if (open === '{') return items(parts, language, depth, (found) => ({ kind: 'set', items: found }));
  if (parts.length < 2) return open === '(' && close === ')' ? readPart(inside, language, depth + 1) : undefined;
  return items(parts, language, depth, (found) => ({ kind: 'sequence', open, close, items: found }));
}

/** Several intervals are what is in any of them. */
function collect(parts: readonly string[], language: string | undefined, depth: number): Maths | undefined {
  return items(parts, language, depth, (found) => {
    const isUnion = found.every((item) => item.kind === 'sequence' && item.of !== undefined);
    return { kind: isUnion ? 'union' : 'set', items: found };
  });
}

function items(
  parts: readonly string[],
  language: string | undefined,
  depth: number,
  build: (found: readonly Maths[]) => Maths,
): Maths | undefined {
  if (parts.length > maxItems) return undefined;
  const found: Maths[] = [];
  for (const part of parts) {
    const item = readPart(part, language, depth + 1);
    if (item === undefined) return undefined;
    found.push(item);
  }
  return build(found);
}

function readMatrix(latex: string, language: string | undefined, depth: number): Maths | undefined {
  const [, body] = /^\\begin\{[pbvBV]?matrix\}([^]*)\\end\{[pbvBV]?matrix\}$/.exec(latex) ?? [];
  if (body === undefined) return undefined;
  const rows = body.split('\\\\').filter((row) => row.trim() !== '');
  return items(
    rows.map((row) => `(${row.split('&').join(',')})`),
    language,
    depth,
    (found) => ({ kind: 'sequence', open: 'matrix', close: 'matrix', items: found }),
  );
}

const maxSides = 8;

/** Of steps in a line the last counts: `x = \frac{10}{2} = 5` is `x = 5`, `\frac{6}{\sqrt3} = 2\sqrt3` is what it ends with. */
function readChain(latex: string, language: string | undefined, depth: number): Maths | undefined {
  const { parts, signs } = splitOutside(latex, /=|<|>|\\(?:le|ge|ne)(?![a-zA-Z])/);
  const [first = '', last = ''] = [parts[0], parts.at(-1)];
  if (signs.length === 0 || parts.length > maxSides || signs.some((sign) => sign !== '=')) return undefined;
  const isNamed = /^[a-zA-Z](?:\([a-zA-Z]\))?$/.test(first);
  if (isNamed) return signs.length === 1 ? undefined : readRelation(`${first}=${last}`);
  const sides = parts.map(readExpression);
  const areConstant = sides.every((side) => side !== undefined && variablesOf(side).size === 0);
  return areConstant ? readPart(last, language, depth + 1) : undefined;
}

const relationSigns: Readonly<Record<string, RelationSign>> = { '=': '=', '<': '<', '\\le': '<=', '\\ne': '!=' };

function readRelation(latex: string): Maths | undefined {
  const { parts, signs } = splitOutside(latex, /=|<|>|\\(?:le|ge|ne)(?![a-zA-Z])/);
  if (signs.length === 0 || signs.length > 2) return undefined;
  // The name of a function stands for its values: `f(x) = x^2`.
  const sides = parts.map((part) => readExpression(part.replace(/^([a-zA-Z])\([a-zA-Z]\)$/, '$1')));
  if (!sides.every((side) => side !== undefined)) return undefined;
  const relations = signs.map((sign, index): Extract<Maths, { kind: 'relation' }> => {
    const isTurned = sign === '>' || sign === '\\ge';
    const [left, right] = isTurned ? [sides[index + 1]!, sides[index]!] : [sides[index]!, sides[index + 1]!];
    const turned = sign === '>' ? '<' : sign === '\\ge' ? '\\le' : sign;
    return { kind: 'relation', sign: relationSigns[turned] ?? '=', left, right };
  });
  return intervalOf(relations) ?? (relations.length === 1 ? relations[0] : undefined);
}

function readFormula(latex: string): Maths | undefined {
  const expression = readExpression(latex.replace(/^\+\s*/, ''));
  return expression && formulaOf(expression);
}
