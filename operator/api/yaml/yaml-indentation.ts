/** Characters of a line that are looked at. */
const longestStart = 1000;

/** What a line of block YAML begins with. */
export interface LineStart {
  /** Of its first character, from 1. */
  readonly column: number;
  readonly isItem: boolean;
  /** As a message names it: `name`, or `- name` for a list item. */
  readonly label: string;
}

/** Where a line with a field, or with a list item, may begin: the columns of what is still open above it, inmost first. */
export function openColumns(linesAbove: readonly string[], isItem: boolean): LineStart[] {
  const open: LineStart[] = [];
  let least = Infinity;
  let leastIsItem = false;
  for (const line of linesAbove.toReversed()) {
    if (/^---(\s|$)/.test(line)) break;
    const starts = startsOf(line);
    const outer = starts.at(-1);
    if (outer === undefined) continue;
    // A list may begin in the column of the field that it belongs to.
    const isOutside = outer.column < least || (outer.column === least && leastIsItem && !outer.isItem);
    if (!isOutside) continue;
    open.push(...starts.filter(({ column }) => column <= least));
    ({ column: least, isItem: leastIsItem } = outer);
    if (least === 1 && !leastIsItem) break;
  }
  return open.filter((each) => each.isItem === isItem);
}

/** The fields and list items that begin in a line, inmost first: `- name: a` is both. None for comments and empty lines. */
export function startsOf(whole: string): LineStart[] {
  const line = whole.slice(0, longestStart);
  const starts: LineStart[] = [];
  let column = line.search(/\S/) + 1;
  if (column === 0 || line[column - 1] === '#') return starts;
  for (;;) {
    const rest = line.slice(column - 1);
    const isItem = /^-(\s|$)/.test(rest);
    starts.unshift({ column, isItem, label: labelOf(rest) });
    if (!isItem) return starts;
    const inside = /^(-\s+)(?:-(?:\s|$)|[^\s[{][^]*:(?:\s|$))/.exec(rest)?.[1];
    if (inside === undefined) return starts; // nothing can stand beside what is in a text or in braces
    column += inside.length;
  }
}

function labelOf(text: string): string {
  const [field = ''] = text.split(/:(?:\s|$)/, 1);
  const label = field.trim();
  return label.length <= 40 ? label : `${label.slice(0, 39)}…`;
}
