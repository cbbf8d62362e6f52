/** What to do where an API server keeps less than it was sent: its definition of the kind is older than the operator. */
export function droppedInWords(kind: string, fields: readonly string[]): string {
  return `the definition of ${kind} in this cluster is older than the operator, and drops ${fields.join(', ')}: apply the CRDs of the operator's version`;
}
