import { CST, Lexer } from 'yaml';

/** Lists and objects in each other that a text may have: hundreds of thousands would take a parser's memory. */
const mostNested = 1000;

/** Where a text of YAML is nested too deeply, if it is; nothing of it is kept. */
export function tooDeepAt(text: string): number | undefined {
  let [offset, open, onLine] = [0, 0, 0];
  for (const token of new Lexer().lex(text)) {
    const type = CST.tokenType(token);
    if (type === 'flow-seq-start' || type === 'flow-map-start') open++;
    else if (type === 'flow-seq-end' || type === 'flow-map-end') open = Math.max(0, open - 1);
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind') onLine++;
    else if (type === 'newline') onLine = 0; // below it each level costs a column more
    if (open > mostNested || onLine > mostNested) return offset;
    if (!marks.has(type)) offset += token.length;
  }
  return undefined;
}

/** Tokens that stand for no characters of the text. */
const marks: ReadonlySet<string | null> = new Set(['doc-mode', 'flow-error-end', 'scalar']);
