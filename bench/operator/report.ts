import Table from 'cli-table3';
import { median } from '../report.ts';
import type { IdleMinutes } from './idle.ts';
import type { Run } from './measure.ts';

/** One measured quantity of all sides, the median of all rounds. */
export interface Line {
  readonly label: string;
  readonly operator: number;
  readonly sequencer: number;
  /** What the objects cost by themselves. */
  readonly writer: number;
  readonly target?: { readonly text: string; readonly met: boolean };
}

const mebibyte = 2 ** 20;

/** What the project asks of itself holds for these numbers of pipelines. */
const latencyPipelines = 100;
const memoryPipelines = 300;

/** @param runs of one number of pipelines, all sides, all rounds */
export function summarize(runs: readonly Run[]): Line[] {
  const count = runs[0]?.pipelines ?? 0;
  const line = (label: string, of: (run: Run) => number, target?: (ours: number, peer: number) => Line['target']) => {
    const on = (side: Run['side']): number => median(runs.filter((run) => run.side === side).map(of));
    const [operator, sequencer, writer] = [on('operator'), on('sequencer'), on('writer')];
    const set = target?.(operator, sequencer);
    return { label, operator, sequencer, writer, ...(set && { target: set }) };
  };
  return [
    line(
      'stages per second',
      ({ timeline }) => timeline.stagesPerSecond,
      (ours, peer) => ({ text: '≥ 0.85 × sequencer', met: ours >= 0.85 * peer }),
    ),
    line(
      'Job completed → next created, p50, s',
      ({ timeline }) => timeline.handOver.p50,
      count === latencyPipelines ? atMost(0.3, ' s') : undefined,
    ),
    line(
      'Job completed → next created, p99, s',
      ({ timeline }) => timeline.handOver.p99,
      count === latencyPipelines ? atMost(1, ' s') : undefined,
    ),
    line('API requests per stage', ({ requests, timeline }) => requests.total / timeline.stages, atMost(8, '')),
    line(
      'peak memory, MiB',
      ({ peakBytes }) => peakBytes / mebibyte,
      count === memoryPipelines ? atMost(200, ' MiB') : undefined,
    ),
  ];
}

function atMost(bound: number, unit: string) {
  return (ours: number) => ({ text: `≤ ${bound}${unit}`, met: ours <= bound });
}

export function renderTable(lines: readonly Line[]): string {
  const table = new Table({
    head: ['', 'operator', 'sequencer', 'writer', 'target', ''],
    colAligns: ['left', 'right', 'right', 'right', 'left', 'left'],
    style: { head: [], border: [] },
  });
  for (const { label, operator, sequencer, writer, target } of lines) {
    table.push([
      label,
      show(operator),
      show(sequencer),
      show(writer),
      target?.text ?? '',
      target ? (target.met ? 'met' : 'missed') : '',
    ]);
  }
  return table.toString();
}

/** What was asked, most frequent first. */
export function renderRequests({ requests, timeline }: Run): string {
  return Object.entries(requests.byKind)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${kind} ${(count / timeline.stages).toFixed(2)}`)
    .join(', ');
}

export function renderIdle({ seconds, pipelines, requests }: IdleMinutes): string {
  const rate = (requests.total / pipelines / seconds) * 30;
  const kinds = Object.entries(requests.byKind).map(([kind, count]) => `${kind} ${count}`);
  return [
    `idle for ${seconds} s, one pipeline finished and one running:`,
    `${requests.writes} writes (target 0), ${rate.toFixed(2)} requests per 30 s and pipeline (target ≤ 1),`,
    `${requests.leases} for the lease${kinds.length > 0 ? `: ${kinds.join(', ')}` : ''}`,
  ].join(' ');
}

function show(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2);
}
