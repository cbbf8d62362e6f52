import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { mean } from '../trainer/algorithms/statistics.ts';
import { findBenchmark } from './benchmarks.ts';
import { Contestant } from './contestant.ts';
import { describeMachine } from './machine.ts';
import { lineChart } from './line-chart.ts';
import { useModel } from './models.ts';
import { peerPython } from './peers.ts';
import { hyper, type Shared } from './workload.ts';

interface Flags {
  readonly model: string;
  readonly lengths: readonly number[];
  readonly workers: readonly number[];
  readonly rounds: number;
  readonly plot: string;
}

interface Point {
  readonly workers: number;
  readonly length: number;
  readonly cpuSeconds: number;
  readonly peakMiB: number;
}

const rows = 2;

/** `npm run bench -- lengths`: what a training step costs, in time and memory, from short to long sequences. */
export function lengthsCommand(): Command {
  return new Command('lengths')
    .description('Measures a training step of two sequences by their length, and draws its memory.')
    .requiredOption('--model <directory>', 'a Hugging Face directory', (path) => resolve(path))
    .option('--lengths <list>', 'tokens of a sequence, separated by commas', numbers, [512, 1024, 2048, 4096])
    .option('--workers <list>', 'workers of one thread each, separated by commas', numbers, [1, 2])
    .option('--rounds <n>', 'measured steps, after one that is not counted', Number, 2)
    .option('--plot <file>', 'where the SVG goes', 'lengths.svg')
    .action(measureLengths);
}

async function measureLengths({ model, lengths, workers, rounds, plot }: Flags): Promise<void> {
  const machine = describeMachine(new Date());
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-lengths-'));
  try {
    const files = await useModel(peerPython(), join(directory, 'tokenizer'), model);
    const shared = { ...files, ownPrecision: 'f32', seed: 1, hyper, klCoefficient: 0, checkSteps: 1 } as const;
    const points: Point[] = [];
    console.log(`${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores; a step of ${rows} sequences`);
    console.log('| workers | tokens each | CPU s | CPU ms a token | peak MiB |\n| ---: | ---: | ---: | ---: | ---: |');
    for (const threads of workers) {
      for (const length of lengths) {
        // oxlint-disable-next-line no-await-in-loop -- two at once would measure each other
        const point = await measurePoint({ ...shared, threads }, length, rounds, directory);
        points.push(point);
        console.log(
          `| ${threads} | ${length} | ${point.cpuSeconds.toFixed(2)} | ${msPerToken(point).toFixed(2)} | ${point.peakMiB.toFixed(0)} |`,
        );
      }
    }
    for (const threads of workers) {
      const of = points.filter((point) => point.workers === threads);
      if (of.length > 2) console.log(describeGrowth(threads, of));
    }
    await writeFile(plot, drawMemory(points, workers));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measurePoint(shared: Shared, length: number, rounds: number, directory: string): Promise<Point> {
  const workload = join(directory, 'workload.json');
  const sizes = { rows, prompt: length, newTokens: 0, group: 1 };
  await writeFile(workload, JSON.stringify(findBenchmark('train-step').workload(shared, sizes)));
  const program = join(import.meta.dirname, 'ours', 'train-step.ts');
  const { contestant } = await Contestant.start(process.execPath, [program, workload], shared.threads);
  try {
    await contestant.round(1);
    let cpuSeconds = Infinity;
    for (let round = 0; round < rounds; round++) {
      // oxlint-disable-next-line no-await-in-loop -- one after another
      cpuSeconds = Math.min(cpuSeconds, (await contestant.round(1)).cpuSeconds);
    }
    return { workers: shared.threads, length, cpuSeconds, peakMiB: contestant.peakBytes / 2 ** 20 };
  } finally {
    await contestant.stop();
  }
}

/** Attention costs a token as much more as its sequence is longer; all else costs each token the same. */
function describeGrowth(workers: number, points: readonly Point[]): string {
  const costs = points.map((point) => [point.length, msPerToken(point)] as const);
  const [meanLength, meanCost] = [mean(costs.map(([length]) => length)), mean(costs.map(([, cost]) => cost))];
  const slope =
    costs.reduce((sum, [length, cost]) => sum + (length - meanLength) * (cost - meanCost), 0) /
    costs.reduce((sum, [length]) => sum + (length - meanLength) ** 2, 0);
  const constant = meanCost - slope * meanLength;
  const off = Math.max(...costs.map(([length, cost]) => Math.abs(cost / (constant + slope * length) - 1)));
  return (
    `${namedWorkers(workers)}: ${constant.toFixed(2)} ms a token, and ${(slope * 1000).toFixed(2)} ms more for every 1,000 tokens of its ` +
    `sequence (attention); the points lie within ${(off * 100).toFixed(1)} % of that`
  );
}

function drawMemory(points: readonly Point[], workers: readonly number[]): string {
  return lineChart({
    xTitle: 'tokens of a sequence',
    yTitle: 'peak resident memory, MiB',
    lines: workers.map((count) => ({
      name: namedWorkers(count),
      points: points
        .filter((point) => point.workers === count)
        .map(({ length, peakMiB }) => [length, peakMiB] as const),
    })),
  });
}

function msPerToken({ length, cpuSeconds }: Point): number {
  return (1000 * cpuSeconds) / (rows * length);
}

function namedWorkers(count: number): string {
  return `${count} ${count === 1 ? 'worker' : 'workers'}`;
}

function numbers(list: string): number[] {
  return list.split(',').map(Number);
}
