/** What people and models put around an answer without meaning anything by it. */
const wrappings: readonly RegExp[] = [
  /^(\*{1,3}|_{1,3}|`{1,3}|\${1,2})([^]*)\1$/, // Markdown emphasis and code, TeX formulas
  /^(\\\()([^]*)\\\)$/,
  /^(\\\[)([^]*)\\\]$/,
  /^(\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|boxed|fbox|emph)\s*\{)([^]*)\}$/,
  /^(\\left\()([^]*)\\right\)$/,
  /^(\()([^]*)\)$/,
  /^(\{)([^]*)\}$/,
  /^(["'“‘«])([^]*)["'”’»]$/,
  /^(\\(?:displaystyle|textstyle|bf)\b)([^]*)$/,
];

/** Deeper dress is not taken off, so that time stays linear. */
const maxLayers = 6;

/**
 * The answer without what is only dress: `**18**`, `$18$`, `\(18\)`, `\text{18}`, `(18)`, `"18"` and a full stop at the end are 18.
 * A text that is nothing but dress stays as it is.
 */
export function undress(text: string): string {
  let bare = text.trim();
  for (let layer = 0; layer < maxLayers; layer++) {
    const next = takeOff(bare);
    if (next === bare || next === '') return bare;
    bare = next;
  }
  return bare;
}

function takeOff(text: string): string {
  if (/[.。]$/.test(text)) return text.slice(0, -1).trimEnd();
  for (const wrapping of wrappings) {
    const [, mark = '', inside] = wrapping.exec(text) ?? [];
    // The stars of `*a* or *b*` are no pair.
    if (inside !== undefined && (isBracket(mark) || !inside.includes(mark)) && isWhole(inside)) return inside.trim();
  }
  return text;
}

/** Has a closing form of its own, so that pairs can stand inside of pairs. */
function isBracket(mark: string): boolean {
  return /[({[]$/.test(mark) || mark.startsWith('\\');
}

/** Whether the brackets of a text belong to each other: what stands around `1) + (2` is no pair. */
function isWhole(inside: string): boolean {
  let depth = 0;
  for (const sign of inside) {
    if (sign === '(' || sign === '{') depth++;
    else if ((sign === ')' || sign === '}') && --depth < 0) return false;
  }
  return depth === 0;
}
