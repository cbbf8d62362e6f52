import { lastCodeBlock } from '../code/last-code-block.ts';

/** Longer texts are not looked into: that lists have no two equal items takes the square of their length. */
const maxLength = 20_000;
const maxDepth = 64;

/** The value of an answer that is JSON, alone or in a block of code; `undefined` if it is none, too long or too deep. */
export function readJson(text: string): { readonly value: unknown } | undefined {
  const json = lastCodeBlock(text)?.code ?? text.trim();
  if (json.length > maxLength || !isShallow(json)) return undefined;
  try {
    return { value: JSON.parse(json) as unknown };
  } catch {
    return undefined;
  }
}

function isShallow(json: string): boolean {
  let depth = 0;
  for (const [mark] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (mark === '[' || mark === '{') depth++;
    else if (mark === ']' || mark === '}') depth--;
    if (depth > maxDepth) return false;
  }
  return true;
}
