/** Relative: what the order of additions changes in a double. */
const tolerance = 1e-9;

/** The same text, but for blanks at the ends of lines and empty lines at the end. */
export function isSameOutput(expected: string, found: string): boolean {
  return tidy(expected) === tidy(found);
}

function tidy(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
    .trimEnd();
}

/** The same JSON value; numbers that are not whole to 1e-9 of their size. */
export function isSameValue(expected: unknown, found: unknown): boolean {
  if (typeof expected === 'number' && typeof found === 'number') {
    if (Number.isInteger(expected) && Number.isInteger(found)) return expected === found;
    return Math.abs(expected - found) <= tolerance * Math.max(Math.abs(expected), Math.abs(found));
  }
  if (typeof expected !== 'object' || expected === null || typeof found !== 'object' || found === null)
    return expected === found;
  if (Array.isArray(expected) !== Array.isArray(found)) return false;
  const [names, others] = [Object.keys(expected), Object.keys(found)];
  if (names.length !== others.length) return false;
  return names.every(
    (name) => Object.hasOwn(found, name) && isSameValue(Reflect.get(expected, name), Reflect.get(found, name)),
  );
}
