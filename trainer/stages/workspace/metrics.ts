/** Figures of a step or of a finished stage, under the names of docs/reference/metrics.md. */
export type Metrics = Record<string, number>;

/** The same figures under the names `prefix/name`. */
export function prefixed(prefix: string, figures: Metrics): Metrics {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${prefix}/${name}`, value]));
}
