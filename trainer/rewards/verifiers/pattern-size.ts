/**
 * How many characters, classes and signs a regular expression has once its counted repetitions are written out, as RE2 does:
 * `(ab{3}){1,100}` has 500. Time and memory to compile it, and time to look for it in a character of text, grow with that. An expression with
 * faults has any size. Linear in the length of the text.
 */
export function patternSize(text: string): number {
  const groups: Group[] = [{ size: 0, last: 0 }];
  for (const { 0: piece, groups: { least, most } = {} } of text.matchAll(pieces)) {
    const group = groups.at(-1) as Group;
    if (piece === '(') groups.push({ size: 0, last: 0 });
    else if (piece === ')' && groups.length > 1) addTo(groups.at(-2) as Group, 1 + (groups.pop() as Group).size);
    else if (least === undefined) addTo(group, 1);
    else addTo(group, group.last * Math.max(Number(least), Number(most ?? least), 1) - group.last, 'repeats');
  }
  return groups.reduce((sum, { size }) => sum + size, 0);
}

interface Group {
  size: number;
  /** Of what a repetition behind it repeats. */
  last: number;
}

const pieces =
  /\{(?<least>\d{1,4})(?:,(?<most>\d{1,4})?)?\}|\\(?:[pP]\{[^{}]*\}|[^])|\[\^?\]?(?:\\[^]|\[:\^?\w+:\]|[^\]\\])*\]|[^]/g;

function addTo(group: Group, size: number, repeats?: 'repeats'): void {
  group.size += size;
  group.last = repeats === undefined ? size : group.last + size;
}
