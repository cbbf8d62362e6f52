/**
 * JSON with the names of objects in order and no blanks, so that equal values have one text. Source: RFC 8785 (JCS), whose
 * numbers and texts are those of ECMAScript.
 *
 * @param value what `JSON.parse` gives, or has fields that are `undefined`, which are left out
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value)
    .filter(([, content]) => content !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, content]) => `${JSON.stringify(name)}:${canonicalJson(content)}`).join(',')}}`;
}
