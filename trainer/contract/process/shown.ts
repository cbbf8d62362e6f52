/** A value of somebody else's file in a message: as JSON, without control characters, and short, however deep it is. */
export function shown(value: unknown): string {
  const text = jsonOf(value);
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch (error) {
    if (error instanceof RangeError) return 'a value too large to show';
    throw error;
  }
}
