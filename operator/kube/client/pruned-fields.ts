/**
 * Fields that were sent and did not come back: the definition of their kind on the server is older than whoever sent them,
 * and the server drops what it does not know.
 *
 * @returns paths such as `status.display.node`, the outermost of what is missing
 */
export function prunedFields(sent: unknown, stored: unknown, path: string): string[] {
  if (sent === undefined || sent === null) return [];
  if (stored === undefined) return [path];
  if (Array.isArray(sent)) {
    const items = Array.isArray(stored) ? (stored as unknown[]) : [];
    return [...new Set(sent.flatMap((item, index) => prunedFields(item, items[index] ?? item, `${path}[]`)))];
  }
  if (typeof sent !== 'object' || typeof stored !== 'object') return [];
  const kept = stored as Record<string, unknown>;
  return Object.entries(sent).flatMap(([name, value]) => prunedFields(value, kept[name], `${path}.${name}`));
}
