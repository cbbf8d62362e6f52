/**
 * Cohen's kappa: agreement beyond what two judges with these habits would reach by chance.
 *
 *   κ = (pₒ − pₑ) / (1 − pₑ),   pₑ = Σ_c share of c in the first's choices · share of c in the second's
 *
 * Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960).
 *
 * @param chosen what the first and the second judge chose, a pair a row
 * @returns −1 … 1; undefined where chance alone explains everything (pₑ = 1), and without rows
 */
export function cohensKappa<T>(chosen: readonly (readonly [T, T])[]): number | undefined {
  const rows = chosen.length;
  const count = (judge: 0 | 1, choice: T): number => chosen.filter((both) => both[judge] === choice).length;
  // In whole numbers, so that chance which explains everything is found to do so.
  const choices = [...new Set(chosen.flat())];
  const byChance = choices.reduce((sum, choice) => sum + count(0, choice) * count(1, choice), 0);
  if (byChance === rows * rows) return undefined;
  const expected = byChance / (rows * rows);
  return (observedAgreement(chosen) - expected) / (1 - expected);
}

/** Share of the rows on which both chose the same. */
export function observedAgreement<T>(chosen: readonly (readonly [T, T])[]): number {
  return chosen.filter(([a, b]) => a === b).length / chosen.length;
}
