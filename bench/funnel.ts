import { readFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { lineChart } from './line-chart.ts';
import { describeMachine } from './machine.ts';
import { type Format, formats, writeGivenRows } from './memory-curve/given-rows.ts';
import { writeSmallestModel } from './memory-curve/inputs.ts';
import { type Watched, watchStage } from './memory-curve/watch.ts';

interface Flags {
  readonly rows: number;
  readonly plot: string;
  readonly json?: string;
}

/** What became of the rows of one format. */
export interface FunnelFigures {
  readonly format: Format;
  /** That the quotas have room for. */
  readonly rows: number;
  readonly offered: number;
  /** By domain. */
  readonly kept: Readonly<Record<string, number>>;
  /** Rows through filters and quotas a second. */
  readonly rowsPerSecond: number;
  /** Most resident memory in each half of the time that filters and quotas took. */
  readonly halvesMiB: readonly [number, number];
}

/** Rows offered for each that a quota has room for: one in six does not pass the filters. */
const offered = 1.25;
/** Of R1's 800,000 rows. Source: arXiv:2501.12948v2, 600k for reasoning and 200k others. */
const shares = { reasoning: 0.75, general: 0.25 } as const;

/** `npm run bench -- funnel`: rows with completions through filters and quotas, no model asked. */
export function funnelCommand(): Command {
  return new Command('funnel')
    .description('Takes given rows through the filters and quotas of a sample stage, from JSONL and from Parquet.')
    .option('--rows <n>', 'rows that the quotas have room for', Number, 800_000)
    .option('--plot <file>', 'where the SVG goes', 'funnel.svg')
    .option('--json <file>', 'where the figures go as JSON, too')
    .action(measureFunnel);
}

async function measureFunnel({ rows, plot, json }: Flags): Promise<void> {
  const machine = describeMachine(new Date());
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-funnel-'));
  try {
    const model = join(directory, 'model');
    await writeSmallestModel(model);
    console.log(
      `${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start`,
    );
    const watched: Watched[] = [];
    const figures: FunnelFigures[] = [];
    for (const format of formats) {
      // oxlint-disable-next-line no-await-in-loop -- two at once would measure each other
      const one = await watchFunnel({ directory, model, rows, format });
      watched.push({ ...one, stage: format });
      // oxlint-disable-next-line no-await-in-loop
      const counts = await countsOf(join(directory, format));
      const figure = figuresOf(format, rows, one, counts);
      console.log(describe(figure, one, counts));
      figures.push(figure);
    }
    await writeFile(plot, plotMemory(watched));
    if (json !== undefined) await writeFile(json, `${JSON.stringify(figures)}\n`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

interface FunnelRun {
  readonly directory: string;
  readonly model: string;
  readonly rows: number;
  readonly format: Format;
}

async function watchFunnel({ directory, model, rows, format }: FunnelRun): Promise<Watched> {
  const domains = ['reasoning', 'general'] as const;
  for (const domain of domains) {
    const count = Math.ceil(rows * shares[domain] * offered);
    // oxlint-disable-next-line no-await-in-loop -- one file after the other
    await writeGivenRows(join(directory, `${domain}.${format}`), domain, count, format);
  }
  const quotas = { reasoning: Math.round(rows * shares.reasoning), general: Math.round(rows * shares.general) };
  return watchStage({
    pipeline: 'bench',
    attempt: 1,
    seed: 1,
    model: { path: model },
    stage: 'sample',
    settings: { sample: { prompts: [...domains], given: [...domains], quotas } },
    datasets: domains.map((domain) => ({
      name: domain,
      domain,
      file: join(directory, `${domain}.${format}`),
      ...(domain === 'reasoning' && { answer: { kind: 'number' as const } }),
    })),
    inputs: {},
    out: join(directory, format),
  });
}

interface Counts {
  readonly sampled: number;
  readonly keptByDomain: Readonly<Record<string, number>>;
}

async function countsOf(out: string): Promise<Counts> {
  return JSON.parse(await readFile(join(out, 'data/funnel.json'), 'utf8')) as Counts;
}

function figuresOf(
  format: Format,
  rows: number,
  watched: Watched,
  { sampled, keptByDomain: kept }: Counts,
): FunnelFigures {
  const [first = [], second = []] = memoryInParts(watched, 2);
  return {
    format,
    rows,
    offered: Object.values(shares).reduce((sum, share) => sum + Math.ceil(rows * share * offered), 0),
    kept,
    rowsPerSecond: sampled / sievedSeconds(watched),
    halvesMiB: [Math.max(...first), Math.max(...second)],
  };
}

function sievedSeconds({ seconds, beganMs }: Watched): number {
  return seconds - beganMs / 1000;
}

/** Resident memory in MiB, in so many equal parts of the time that filters and quotas took. */
function memoryInParts(watched: Watched, parts: number): number[][] {
  const { samples, beganMs } = watched;
  const lengthMs = (sievedSeconds(watched) * 1000) / parts;
  return Array.from({ length: parts }, (_, at) => {
    const fromMs = beganMs + at * lengthMs;
    return samples.filter(({ ms }) => ms >= fromMs && ms < fromMs + lengthMs).map(({ bytes }) => bytes / 2 ** 20);
  });
}

function describe(
  { format, offered: offeredRows, kept: keptByDomain, rowsPerSecond }: FunnelFigures,
  watched: Watched,
  { sampled }: Counts,
): string {
  const { samples, beganMs } = watched;
  const peak = Math.max(...samples.map(({ bytes }) => bytes)) / 2 ** 20;
  const quarters = memoryInParts(watched, 4).map((within) =>
    within.length === 0 ? '–' : `${Math.min(...within).toFixed(0)}–${Math.max(...within).toFixed(0)}`,
  );
  const kept = Object.entries(keptByDomain).map(([domain, count]) => `${count} ${domain}`);
  return (
    `${format}: ${offeredRows} rows read and checked in ${(beganMs / 1000).toFixed(1)} s (${((offeredRows / beganMs) * 1000).toFixed(0)} rows/s); ` +
    `${sampled} through filters and quotas in ${sievedSeconds(watched).toFixed(1)} s (${rowsPerSecond.toFixed(0)} rows/s); kept ${kept.join(', ')}; ` +
    `peak ${peak.toFixed(0)} MiB, in the quarters of the work ${quarters.join(', ')}`
  );
}

function plotMemory(watched: readonly Watched[]): string {
  return lineChart({
    xTitle: 'seconds; dashed: rows checked, filters begin',
    yTitle: 'resident memory, MiB',
    lines: watched.map(({ stage, samples, beganMs }) => ({
      name: stage,
      points: samples.map(({ ms, bytes }) => [ms / 1000, bytes / 2 ** 20] as const),
      mark: beganMs / 1000,
    })),
  });
}
