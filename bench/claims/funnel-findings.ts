import type { FunnelFigures } from '../funnel.ts';
import type { Finding } from './findings.ts';

/** R1's reasoning rows to its general ones, 600,000 to 200,000. */
const reasoningToGeneral = 3;
/** By so much of the first half's peak the second half's may be above it: garbage of which V8 collects now more, now less. */
const noise = 0.05;

/** Claim 22: both quotas are filled to the row, and with twice the rows goes no more memory. */
export function quotasInFlatMemory(runs: readonly FunnelFigures[]): Finding {
  const holds = runs.every(
    ({ rows, kept, halvesMiB: [first, second] }) =>
      kept['reasoning'] === reasoningToGeneral * (kept['general'] ?? 0) &&
      kept['reasoning'] + (kept['general'] ?? 0) === rows &&
      second <= first * (1 + noise),
  );
  return { holds: holds && runs.length > 0, found: runs.map(describe).join('; ') };
}

function describe({ format, offered, kept, halvesMiB: [first, second] }: FunnelFigures): string {
  const { reasoning = 0, general = 0 } = kept;
  return (
    `${reasoning} reasoning and ${general} general rows of ${offered} from ${format}, ` +
    `at most ${first.toFixed(0)} MiB in the first half of the work and ${second.toFixed(0)} in the second`
  );
}
