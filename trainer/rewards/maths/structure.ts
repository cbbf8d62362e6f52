/** Where a text is cut: at commas, at signs of union, at signs of relation. Brackets of any shape may close each other, as in `[1, 2)`. */
export function splitOutside(text: string, separator: RegExp): { readonly parts: string[]; readonly signs: string[] } {
  const parts: string[] = [];
  const signs: string[] = [];
  let [depth, from] = [0, 0];
  const marks = new RegExp(String.raw`\\\{|\\\}|[()[\]{}]|(${separator.source})`, 'g');
  for (const { 0: mark, 1: sign, index } of text.matchAll(marks)) {
    if (sign === undefined) depth += /[([{]$/.test(mark) ? 1 : -1;
    else if (depth === 0) {
      parts.push(text.slice(from, index).trim());
      signs.push(sign);
      from = index + mark.length;
    }
  }
  parts.push(text.slice(from).trim());
  return { parts, signs };
}

/** What stands in one pair of brackets around the whole text. */
export function insideBrackets(
  text: string,
): { readonly open: string; readonly inside: string; readonly close: string } | undefined {
  const [open = ''] = /^(?:\\\{|[([{])/.exec(text) ?? [];
  const [close = ''] = /(?:\\\}|[)\]}])$/.exec(text) ?? [];
  if (open === '' || close === '' || open.includes('{') !== close.includes('}')) return undefined;
  let depth = 0;
  for (const { 0: mark, index } of text.matchAll(/\\\{|\\\}|[()[\]{}]/g)) {
    depth += /[([{]$/.test(mark) ? 1 : -1;
    if (depth === 0 && index + mark.length < text.length) return undefined;
  }
  if (depth !== 0) return undefined;
  return { open: open.slice(-1), inside: text.slice(open.length, -close.length).trim(), close: close.slice(-1) };
}
