/** What TRL gives a reward function beside columns, and nobody here does. */
const notGiven = new Set([
  'completion_ids',
  'completions_ids',
  'trainer_state',
  'log_extra',
  'log_metric',
  'environments',
]);

/**
 * What a function of one's own needs and no row has, in words.
 *
 * @param needed columns that it cannot be called without
 * @param found those that some row has
 * @param where the rows are
 * @returns nothing if all are there
 */
export function lackingColumns(
  file: string,
  needed: readonly string[],
  found: ReadonlySet<string>,
  where: string,
): string | undefined {
  const lacking = needed.filter((column) => !found.has(column));
  if (lacking.length === 0) return undefined;
  const names = found.size === 0 ? 'no columns' : [...found].slice(0, 12).join(', ');
  const columns = `the column${lacking.length === 1 ? '' : 's'} ${lacking.join(', ')}`;
  const ofTrl = lacking.filter((column) => notGiven.has(column)).join(', ');
  const hint = ofTrl === '' ? '' : `; TRL’s ${ofTrl} is not given here`;
  return `${file}: its function needs ${columns}; found ${names} in ${where}; expected rows that have what it needs${hint}`;
}
