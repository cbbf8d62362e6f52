/**
 * What a process said last: the last whole line of the end of its log that is no stack, no field of an error and no
 * progress line. A line without its line feed was not finished, and counts only where nothing else was said.
 *
 * @param cut the text begins in the middle of a log, so that its first line may be the rest of one
 */
export function lastLine(text: string, { cut = false } = {}): string {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const unfinished = lines.pop() ?? '';
  const whole = cut ? lines.slice(1) : lines;
  const first = cut && lines.length > 0 && !isRestOfJson(lines[0] ?? '') ? [`…${lines[0]}`] : [];
  const found = whole.findLast(saysSomething) ?? [unfinished, ...first].find(saysSomething) ?? '';
  return found.replace(/ \{$/, '');
}

function saysSomething(line: string): boolean {
  return !/^…?$|^\s|^Node\.js v|^[{}]/.test(line) && !isRestOfJson(line);
}

function isRestOfJson(line: string): boolean {
  return /":.*\}$/.test(line);
}
