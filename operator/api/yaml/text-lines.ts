export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

export function lineAt(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  return text.slice(lineStart(text, offset), end === -1 ? undefined : end);
}

/** Where the line of the first text begins that stands behind a place. */
export function lineWithText(text: string, offset: number): number {
  const gap = /\s*(?:#.*\s*)*/y;
  gap.lastIndex = offset;
  gap.test(text);
  return lineStart(text, gap.lastIndex);
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset) + 1;
}

export function linesAbove(text: string, offset: number): string[] {
  return text.slice(0, lineStart(text, offset)).split('\n').slice(0, -1);
}

export function offsetOfLine(text: string, index: number): number {
  return text.split('\n', index).reduce((sum, line) => sum + line.length + 1, 0);
}
