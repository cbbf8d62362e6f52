const formula = /\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\(([^]*?)\\\)|\\\[([^]*?)\\\]/g;

/** A text of one line that is a formula by itself has no sentence's words. */
const sentence = /(?<![\\a-zA-Z])(?!(?:arc)?(?:sin|cos|tan)h?\b|sqrt|infinity)[a-zA-Z]{3,}/;

/**
 * The last formula between dollar signs or TeX's brackets; a text of one line without words is one as a whole. `undefined` if there is none. Linear in the length
 * of the text.
 */
export function lastFormula(text: string): string | undefined {
  if (text.length < 300 && !/\n/.test(text.trim()) && !sentence.test(text.replaceAll(/\\text\{[^{}]*\}/g, '')))
    return text.trim();
  let last: string | undefined;
  // From the end of the text the answer is near.
  for (const found of text.slice(-4000).matchAll(formula)) last = found[0];
  return last;
}
