import { lastBox } from '../answers/boxed.ts';
import { infixFractions } from '../numbers/latex-number.ts';
import { readPlainNumber } from '../numbers/plain-number.ts';
import { divide, isLess, type Rational } from '../numbers/rational.ts';
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
  let bare = infixFractions(text.trim());
  for (let layer = 0; layer < 4; layer++) {
    const [, , inside = bare] = /^(\*\*|\$\$?|`)([^]*)\1$/.exec(bare) ?? [];
    const [, formula = inside] = /^\\[([]([^]*)\\[)\]]$/.exec(inside) ?? [];
    const named = formula
      .replace(/^\s*\\text(?:bf|rm|it)?\s*\{\s*(?:the )?(?:final )?answer(?: is)?\s*:?\s*\}/i, '')
      // The length of a segment; the absolute value of a variable is another thing.
      .replace(/^\s*\|[A-Z]{2}\|\s*=/, '');
    const said = named.replace(/^\s*(?:so |thus |hence )?(?:the )?(?:final )?answer(?: is)?\s*:?\s+/i, '');
    bare = said
      .trim()
      .replace(/(?<!\\)[.;]$|\\(?:text|mathrm|textrm|mbox)\s*\{\s*[.,;:]?\s*\}$/, '')
      .trim();
  }
  return bare;
}

function readPart(text: string, language: string | undefined, depth: number): Maths | undefined {
  if (depth > 3) return undefined;
  // `(5)` is 5, and `\{5\}` is a set.
  const value = /^\\?\{|^\[/.test(text) ? undefined : readNumber(text, language);
  if (value !== undefined) return { kind: 'number', value, ...(/%\s*\$?$/.test(text) && { percent: true }) };
  const ratio = readRatio(text);
  if (ratio !== undefined) return { kind: 'number', value: ratio };
  const latex = withoutDegrees(withoutWords(plainMaths(text))).replace(/^[a-zA-Z]\s*\\in(?![a-zA-Z])\s*/, '');
  return (
    readCollection(latex, language, depth) ??
    readChain(latex, language, depth) ??
    readRelation(latex) ??
    readFormula(latex)
  );
}

/** `1 : 2` is a half. With two digits behind a colon it may be a time, which is no number. */
function readRatio(text: string): Rational | undefined {
  const [, a = '', b = ''] = /^(\d+(?:\.\d+)?)\s*(?::|\\colon(?![a-zA-Z]))\s*(\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (a === '' || /^\d{1,2}:[0-5]\d$/.test(`${a}:${b}`)) return undefined;
  const [before, behind] = [readPlainNumber(a, '.'), readPlainNumber(b, '.')];
  return before && behind && divide(before, behind);
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
  const allBut = readAllBut(latex, language, depth);
  if (allBut !== undefined) return allBut;
  const turned = /^\](?<inside>[^()[\]]*,[^()[\]]*)(?<close>[\][])$|^\[(?<halfOpen>[^()[\]]*,[^()[\]]*)\[$/.exec(
    latex,
  )?.groups;
  if (turned !== undefined) return readCollection(withRoundBrackets(turned), language, depth);
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

/** The open ends of `]0, 1]`, `[0, 1[` and `]0, 1[` as others write them. */
function withRoundBrackets({ inside, close, halfOpen }: Readonly<Record<string, string | undefined>>): string {
  return halfOpen === undefined ? `(${inside}${close === '[' ? ')' : ']'}` : `[${halfOpen})`;
}

/** `\mathbb{R} \setminus \{1, 2\}` is the union of what is left of the line. */
function readAllBut(latex: string, language: string | undefined, depth: number): Maths | undefined {
  const [, inside] =
    /^\\mathbb\{R\}\s*(?:\\(?:setminus|smallsetminus|backslash)|-)\s*\\\{([^]*)\\\}$/.exec(latex) ?? [];
  if (inside === undefined) return undefined;
  return items(splitOutside(inside, /,/).parts, language, depth, (found) => {
    const points = found.flatMap((each) => (each.kind === 'number' ? [each] : []));
    if (points.length < found.length) return undefined;
    const ends = points.toSorted((a, b) => (isLess(a.value, b.value) ? -1 : 1));
    const parts = [infinity(true), ...ends].map((from, index): Maths => {
      return { kind: 'sequence', open: '(', close: ')', items: [from, ends[index] ?? infinity(false)] };
    });
    return { kind: 'union', items: parts };
  });
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
  build: (found: readonly Maths[]) => Maths | undefined,
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

/** With brackets of its own, or with those that stand around it. */
const matrices: readonly RegExp[] = [
  /^\\begin\{([pbvBV]?matrix)\}([^]*)\\end\{\1\}$/,
  /^[([]\s*\\begin\{(matrix|array)\}(?:\{[clr|\s]*\})?([^]*)\\end\{\1\}\s*[)\]]$/,
];

function readMatrix(latex: string, language: string | undefined, depth: number): Maths | undefined {
  const [, , body] = matrices.map((each) => each.exec(latex)).find((match) => match !== null) ?? [];
  if (body === undefined) return undefined;
  const rows = body
    .replaceAll(/\\\\\s*\[\s*-?[\d.]+\s*[a-z]{2}\s*\]/g, '\\\\')
    .split('\\\\')
    .filter((row) => row.trim() !== '');
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
