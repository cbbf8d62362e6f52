/** Figures of a step or of a finished stage, under the names of docs/reference/metrics.md. */
export type Metrics = Record<string, number>;
