/**
 * Where the first number is that is infinite or none; -1 where all are finite. A loop over billions of weights: a callback for
 * each would take ten times as long.
 */
export function firstNotFinite(values: Float32Array): number {
  let at = 0;
  while (at < values.length && Number.isFinite(values[at])) at++;
  return at < values.length ? at : -1;
}
