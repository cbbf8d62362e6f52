import type { Result } from './measure.ts';
import { type Line, renderTable, show, type Statistic } from './report.ts';

export function describe(result: Result): string {
  const { machine } = result;
  return [
    `${result.benchmark}: ours against ${result.peer}`,
    result.sizes,
    `${versionsOf(result)}; ${result.threads} thread(s) each, vocabulary of ${result.vocabulary}`,
    `${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start`,
    ...result.comparisons.map(({ what, detail }) => `same ${what}: ${detail}`),
    renderTable(result.lines),
    '',
  ].join('\n');
}

/** Rows for a table of `docs/benchmarks.md`: best and (median), and whether the best meets what was asked. */
export function markdownRows({
  benchmark,
  peer,
  threads,
  lines,
}: Pick<Result, 'benchmark' | 'peer' | 'threads' | 'lines'>): string {
  return lines
    .filter(({ metric }) => metric !== 'wallSeconds')
    .map(({ metric, label, ours, peer: theirs, ratio, target }) => {
      const figure = ({ best, median: middle }: Statistic): string => `${show(metric, best)} (${show(metric, middle)})`;
      const found = `${ratio.best.toFixed(2)} (${ratio.median.toFixed(2)})`;
      return `| \`${benchmark}\`, ${threads} | ${peer} | ${label} | ${figure(ours)} | ${figure(theirs)} | ${found} | ${verdict({ metric, ratio, target })} |`;
    })
    .join('\n');
}

function verdict({ metric, ratio, target }: Pick<Line, 'metric' | 'ratio'> & { target: number | undefined }): string {
  if (target === undefined) return '';
  const [sign, met] = metric === 'rate' ? ['≥', ratio.best >= target] : ['≤', ratio.best <= target];
  return `${sign} ${target}: ${met ? 'met' : 'missed'}`;
}

function versionsOf({ versions }: Result): string {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ');
}
