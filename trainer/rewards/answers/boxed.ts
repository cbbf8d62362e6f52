const marks = /\\(?:boxed|fbox)(?:\s*\{|\s+(?=[-+]?\d)([-+\d.,/]*\d)(?=[$\s.,;:!?)]|\\[\])]|$))|\\.|[{}]/gs;

/**
 * Content of the last `\boxed{…}` or `\fbox{…}` whose braces are balanced, in which models write final answers; of nested
 * boxes the innermost. A number may go without braces, `\boxed 7`, as in MATH. `undefined` if there is none. Linear in the length of the text.
 */
export function lastBox(text: string): string | undefined {
  if (!text.includes('\\boxed') && !text.includes('\\fbox')) return undefined;
  let last: { readonly start: number; readonly end: number } | undefined;
  const open: { readonly start: number; readonly box: boolean }[] = [];
  for (const { 0: mark, 1: number, index } of text.matchAll(marks)) {
    const end = index + mark.length;
    if (number !== undefined) last = { start: end - number.length, end };
    else if (mark.endsWith('{') && mark !== '\\{') open.push({ start: index + mark.length, box: mark.length > 1 });
    else if (mark === '}') {
      const closed = open.pop();
      if (closed?.box && closed.start > (last?.start ?? -1)) last = { start: closed.start, end: index };
    }
  }
  return last && text.slice(last.start, last.end).trim();
}
