import type { Claim } from './claims.ts';
import type { Judged } from './judge-claim.ts';

/** Where and when the claims of a page were measured, in words. */
export interface Setting {
  readonly date: string;
  readonly machine: string;
  readonly seeds: readonly number[];
}

/** docs/claims.md. */
export function claimsPage(judged: readonly Judged[], { date, machine, seeds }: Setting): string {
  return `# What R1 claims, and what shows it here

\`npm run claims\` runs what shows the claims below, prints this table, and ends with 1 if one fails. Written by \`npm run claims -- --write\`; figures are measured. Of more than one
seed the median stands before all of them; (one seed) stands where one run alone has the stage.

| Option | |
| --- | --- |
| \`--only LIST\` | runs what these claims ask for, by their numbers, separated by commas |
| \`--seeds LIST\` | seeds of the runs of examples/r1-tiny.yaml (7,8,9) |
| \`--until STAGE\` | the last stage of these runs, \`r1-zero\` or a later one (all stages) |
| \`--state DIR\` | where runs are kept: those that are there are not made again (a new directory); outcomes of tests, too |
| \`--write\` | writes this page; claims that were not asked for are judged by what \`--state\` keeps of the same sources |

**holds**: all that shows the claim was run, and shows it. **in part**: so far as something here shows it; the rest is said. **not shown**: nothing here shows it, or none of it was run.
Tests are files below \`test/\`; runs are those of \`npm run bench:learning\` ([learning.md](learning.md)) with its controls, of [updates.yaml](../bench/claims/updates.yaml), of the [funnel](benchmarks.md#rows-through-the-funnel) with a twentieth of R1's rows, and of stages beside them that
differ in one thing alone ([twins.ts](../bench/claims/twins.ts)).

${date}, ${machine}; seeds ${seeds.join(', ')}:

| # | Claim | Command | Measured | |
| --- | --- | --- | --- | --- |
${judged.map(row).join('\n')}
`;
}

function row({ claim, verdict, measured }: Judged): string {
  const cells = [String(claim.number), claim.claim, `\`${commandOf(claim)}\``, measured, `**${verdict}**`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What runs one claim alone. */
function commandOf({ number }: Claim): string {
  return `npm run claims -- --only ${number}`;
}
