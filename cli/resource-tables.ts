import type { R1Pipeline } from '../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../operator/api/resources/stage.ts';
import { type Column, colourState, table } from './table.ts';

interface ColumnOf<T> extends Column {
  /** Only with `-o wide`. */
  readonly wide?: boolean;
  /** Only where resources of several namespaces are listed. */
  readonly everywhere?: boolean;
  readonly cell: (resource: T, now: Date) => string | number | undefined;
}

/** The printer columns of `kubectl get r1pipelines`. */
const pipelineColumns: readonly ColumnOf<R1Pipeline>[] = [
  { title: 'NAMESPACE', everywhere: true, cell: ({ metadata }) => metadata.namespace },
  { title: 'NAME', cell: ({ metadata }) => metadata.name },
  { title: 'STATE', cell: ({ status }) => status?.display && colourState(status.display.state) },
  { title: 'STAGE', cell: ({ status }) => status?.display?.stage },
  { title: 'PROGRESS', align: 'right', cell: ({ status }) => status?.display?.progress },
  { title: 'ETA', align: 'right', cell: ({ status }) => status?.display?.eta },
  { title: 'GPU-H', align: 'right', cell: ({ status }) => status?.display?.gpuHours },
  { title: 'RESTARTS', align: 'right', cell: ({ status }) => status?.display?.restarts },
  { title: 'WARNINGS', cell: ({ status }) => status?.display?.warnings },
  { title: 'AGE', align: 'right', cell: ({ metadata }, now) => age(metadata.creationTimestamp, now) },
  { title: 'REWARD', align: 'right', wide: true, cell: ({ status }) => status?.display?.reward },
  { title: 'PASS@1', align: 'right', wide: true, cell: ({ status }) => status?.display?.passAt1 },
  { title: 'QUEUE', wide: true, cell: ({ status }) => status?.display?.queue },
  { title: 'MESSAGE', cell: ({ status }) => status?.display?.message },
];

/** The printer columns of `kubectl get r1stages`. */
const stageColumns: readonly ColumnOf<R1Stage>[] = [
  { title: 'NAMESPACE', everywhere: true, cell: ({ metadata }) => metadata.namespace },
  { title: 'NAME', cell: ({ spec }) => spec.stage },
  { title: 'PIPELINE', cell: ({ spec }) => spec.pipeline },
  { title: 'TYPE', cell: ({ status }) => status?.display?.type },
  { title: 'STATE', cell: ({ status }) => status?.display && colourState(status.display.state) },
  { title: 'STEP', align: 'right', cell: ({ status }) => status?.display?.step },
  { title: 'PROGRESS', align: 'right', cell: ({ status }) => status?.display?.progress },
  { title: 'REWARD', align: 'right', cell: ({ status }) => status?.display?.reward },
  { title: 'LOSS', align: 'right', cell: ({ status }) => status?.display?.loss },
  { title: 'ATTEMPT', align: 'right', cell: ({ status }) => status?.display?.attempt },
  { title: 'WARNINGS', cell: ({ status }) => status?.display?.warnings },
  { title: 'AGE', align: 'right', cell: ({ metadata }, now) => age(metadata.creationTimestamp, now) },
  { title: 'PASS@1', align: 'right', wide: true, cell: ({ status }) => status?.display?.passAt1 },
  { title: 'KL', align: 'right', wide: true, cell: ({ status }) => status?.display?.kl },
  { title: 'NODE', wide: true, cell: ({ status }) => status?.display?.node },
  { title: 'DEVICE', wide: true, cell: ({ status }) => status?.display?.device },
  { title: 'WORKERS', align: 'right', wide: true, cell: ({ status }) => status?.display?.workers },
  { title: 'CHECKPOINT', wide: true, cell: ({ status }) => status?.display?.checkpoint },
  { title: 'MESSAGE', cell: ({ status }) => status?.display?.message },
];

export interface TableOptions {
  readonly wide?: boolean;
  readonly everywhere?: boolean;
}

export function pipelineTable(pipelines: readonly R1Pipeline[], now: Date, options: TableOptions = {}): string {
  return draw(pipelineColumns, pipelines, now, options);
}

export function stageTable(stages: readonly R1Stage[], now: Date, options: TableOptions = {}): string {
  return draw(stageColumns, stages, now, options);
}

function draw<T>(
  columns: readonly ColumnOf<T>[],
  resources: readonly T[],
  now: Date,
  { wide = false, everywhere = false }: TableOptions,
): string {
  const shown = columns.filter((column) => (wide || !column.wide) && (everywhere || !column.everywhere));
  const rows = resources.map((resource) => shown.map(({ cell }) => text(cell(resource, now))));
  return table(shown, rows);
}

function text(cell: string | number | undefined): string | undefined {
  return cell === undefined || cell === '' ? undefined : String(cell);
}

/** Time since then in its largest unit, as kubectl prints it: `45s`, `12m`, `3h`, `9d`. */
export function age(since: string | undefined, now: Date): string | undefined {
  if (since === undefined) return undefined;
  const seconds = Math.max(0, Math.floor((now.getTime() - Date.parse(since)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}
