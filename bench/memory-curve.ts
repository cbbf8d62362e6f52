import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { lineChart } from './line-chart.ts';
import { describeMachine } from './machine.ts';
import { writeRowsFile, writeSmallestModel } from './memory-curve/inputs.ts';
import { type Watched, watchStage } from './memory-curve/watch.ts';

interface Flags {
  readonly rows: number;
  readonly bytes: number;
  readonly plot: string;
}

/** `npm run bench -- memory`: many rows through a sample stage, and what it kept through an epoch of SFT. */
export function memoryCommand(): Command {
  return new Command('memory')
    .description('Watches the memory of a sample stage and of an epoch of SFT on many rows, and draws it.')
    .option('--rows <n>', 'rows', Number, 800_000)
    .option('--bytes <n>', 'bytes of a row', Number, 1024)
    .option('--plot <file>', 'where the SVG goes', 'memory.svg')
    .action(measureMemory);
}

async function measureMemory({ rows, bytes, plot }: Flags): Promise<void> {
  const machine = describeMachine(new Date());
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-memory-'));
  try {
    const file = join(directory, 'rows.jsonl');
    await writeRowsFile(file, rows, bytes);
    const model = join(directory, 'model');
    await writeSmallestModel(model);
    const shared = { pipeline: 'bench', attempt: 1, seed: 1, model: { path: model } };

    const sampled = await watchStage({
      ...shared,
      stage: 'sample',
      settings: { sample: { prompts: ['rows'], perPrompt: 1, keep: [], sampling: { maxNewTokens: 1 } } },
      datasets: [{ name: 'rows', file }],
      inputs: {},
      out: join(directory, 'sample'),
    });
    const { path, digest } = sampled.result.checkpoint as { path: string; digest: string };
    const tuned = await watchStage({
      ...shared,
      stage: 'sft',
      settings: { sft: { data: ['sample'], epochs: 1, batch: 512, checkpointEvery: 1_000_000 } },
      datasets: [],
      inputs: { sample: { stage: 'sample', path, digest } },
      out: join(directory, 'sft'),
    });

    await writeFile(plot, plotMemory([sampled, tuned]));
    console.log(`memory: ${rows} rows of ${bytes} bytes, sampled and then an epoch of SFT; drawn in ${plot}`);
    console.log(
      `${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start`,
    );
    for (const watched of [sampled, tuned]) console.log(describe(watched, rows));
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Resident memory over time, one line a stage. */
function plotMemory(watched: readonly Watched[]): string {
  return lineChart({
    xTitle: 'seconds; dashed: rows checked, work begins',
    yTitle: 'resident memory, MiB',
    lines: watched.map(({ stage, samples, beganMs }) => ({
      name: stage,
      points: samples.map(({ ms, bytes }) => [ms / 1000, bytes / 2 ** 20] as const),
      mark: beganMs / 1000,
    })),
  });
}

/** Memory of the work's quarters: the first one warms up. */
function describe({ stage, seconds, samples, beganMs }: Watched, rows: number): string {
  const endMs = seconds * 1000;
  const quarters = [0, 1, 2, 3].map((at) => {
    const from = beganMs + ((endMs - beganMs) * at) / 4;
    const within = samples.filter(({ ms }) => ms >= from && ms < from + (endMs - beganMs) / 4);
    const mebibytes = within.map((sample) => sample.bytes / 2 ** 20);
    return `${Math.min(...mebibytes).toFixed(0)}–${Math.max(...mebibytes).toFixed(0)}`;
  });
  return (
    `${stage}: rows read and checked in ${(beganMs / 1000).toFixed(1)} s (${((rows / beganMs) * 1000).toFixed(0)} rows/s), ` +
    `all in ${seconds.toFixed(0)} s; MiB in the quarters of the work: ${quarters.join(', ')}`
  );
}
