/** A formula of propositional logic. */
export type Formula =
  | { readonly truth: boolean }
  | { readonly variable: string }
  | { readonly operator: 'not'; readonly operands: readonly [Formula] }
  | { readonly operator: Connective; readonly operands: readonly [Formula, Formula] };

type Connective = 'and' | 'or' | 'xor' | 'implies' | 'iff';

const maxLength = 400;
const maxDepth = 40;

/** Signs of each, in LaTeX, in Unicode, in code and in words. */
const spellings: readonly (readonly [token: string, pattern: string])[] = [
  ['iff', String.raw`\\(?:leftrightarrow|Leftrightarrow|iff|equiv)(?![a-zA-Z])|<->|<=>|↔|⇔|≡|\biff\b`],
  ['implies', String.raw`\\(?:to|rightarrow|Rightarrow|implies)(?![a-zA-Z])|->|=>|→|⇒|\bimplies\b`],
  ['xor', String.raw`\\oplus(?![a-zA-Z])|⊕|\bxor\b`],
  ['and', String.raw`\\(?:land|wedge)(?![a-zA-Z])|∧|&&?|/\\|\band\b`],
  ['or', String.raw`\\(?:lor|vee)(?![a-zA-Z])|∨|\|\|?|\\/|\bor\b`],
  ['not', String.raw`\\(?:lnot|neg)(?![a-zA-Z])|¬|~|!|\bnot\b`],
  ['true', String.raw`\\top(?![a-zA-Z])|⊤|\btrue\b`],
  ['false', String.raw`\\bot(?![a-zA-Z])|⊥|\bfalse\b`],
  ['(', String.raw`\(|\[`],
  [')', String.raw`\)|\]`],
  ['variable', String.raw`[a-zA-Z](?:_?\{?\d{1,3}\}?)?(?![a-zA-Z])`],
];
const token = new RegExp(String.raw`\s*(?:${spellings.map(([, pattern]) => `(${pattern})`).join('|')})\s*`, 'iy');

/** From the loosest to the tightest; `implies` takes what is right of it first. */
const levels: readonly Connective[] = ['iff', 'implies', 'xor', 'or', 'and'];

/** Reads a formula such as `p \land (q \to \neg r)`, `p & !q` or `p and not q`; `undefined` for any other text. */
export function readFormula(text: string): Formula | undefined {
  const tokens = text.length > maxLength ? undefined : tokensOf(text);
  if (tokens === undefined) return undefined;
  const reader = new Reader(tokens);
  const formula = reader.read(0, 0);
  return reader.isAtEnd() ? formula : undefined;
}

type Token = readonly [kind: string, text: string];

function tokensOf(text: string): Token[] | undefined {
  const found: Token[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) return undefined;
    const index = match.slice(1).findIndex((group) => group !== undefined);
    found.push([spellings[index]?.[0] ?? '', (match[index + 1] ?? '').replaceAll(/[_{}]/g, '')]);
  }
  return found;
}

/** Recursive descent over the levels of precedence. */
class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  isAtEnd(): boolean {
    return this.#next === this.#tokens.length;
  }

  read(level: number, depth: number): Formula | undefined {
    if (depth > maxDepth) return undefined;
    const operator = levels[level];
    if (operator === undefined) return this.#readOperand(depth);
    let left = this.read(level + 1, depth);
    while (left !== undefined && this.#takes(operator)) {
      const right = this.read(operator === 'implies' ? level : level + 1, depth + 1);
      left = right && { operator, operands: [left, right] };
    }
    return left;
  }

  #readOperand(depth: number): Formula | undefined {
    if (depth > maxDepth) return undefined;
    if (this.#takes('not')) {
      const operand = this.#readOperand(depth + 1);
      return operand && { operator: 'not', operands: [operand] };
    }
    if (this.#takes('(')) {
      const inside = this.read(0, depth + 1);
      return this.#takes(')') ? inside : undefined;
    }
    const [kind, text = ''] = this.#tokens[this.#next++] ?? [];
    if (kind === 'true' || kind === 'false') return { truth: kind === 'true' };
    return kind === 'variable' ? { variable: text } : undefined;
  }

  #takes(kind: string): boolean {
    if (this.#tokens[this.#next]?.[0] !== kind) return false;
    this.#next++;
    return true;
  }
}
