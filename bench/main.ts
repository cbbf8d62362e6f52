import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { UserError } from '../trainer/contract/errors.ts';
import { exitCodes } from '../trainer/contract/exit-codes.ts';
import { type Benchmark, benchmarks } from './benchmarks.ts';
import { compareAnswers, type Comparison } from './compare.ts';
import { Contestant } from './contestant.ts';
import { describeMachine } from './machine.ts';
import { memoryCommand } from './memory-curve.ts';
import type { Round } from './messages.ts';
import { peerProgram, peerPython, writeModel } from './peers.ts';
import { operatorCommand } from './operator.ts';
import { type Line, renderTable, summarize } from './report.ts';
import { hyper, modelConfig } from './workload.ts';

interface Flags {
  readonly rounds: number;
  readonly threads: number;
  readonly kl: number;
  readonly vocabulary: number;
  readonly json: boolean;
}

interface Result {
  readonly benchmark: string;
  readonly sizes: string;
  readonly peer: string;
  readonly threads: number;
  readonly klCoefficient: number;
  readonly vocabulary: number;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly versions: Readonly<Record<string, string>>;
  readonly comparisons: readonly Comparison[];
  readonly rounds: { readonly ours: readonly Round[]; readonly peer: readonly Round[] };
  readonly lines: readonly Line[];
}

const command = new Command('npm run bench --')
  .description('Measures the trainer, or the operator, and their peers on the same work, alternately, in one run.')
  .argument('<benchmark...>', benchmarks.map(({ name }) => name).join(', '))
  .option('--rounds <n>', 'measured rounds of either side, after one that is not counted', Number, 5)
  .option('--threads <n>', 'threads of either side', Number, 1)
  .option('--kl <coefficient>', 'KL coefficient of grpo-step, on both sides', Number, 0)
  .option('--vocabulary <n>', 'tokens that the model knows', Number, modelConfig.vocab_size)
  .addOption(new Option('--json', 'print one JSON document a benchmark instead of tables').default(false))
  .enablePositionalOptions() // some options of a subcommand have the names of these
  .action(measureTrainer)
  .addCommand(operatorCommand())
  .addCommand(memoryCommand());

await command.parseAsync();

async function measureTrainer(names: readonly string[], flags: Flags): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-'));
  try {
    const chosen = names.map(findBenchmark);
    const python = peerPython();
    const model = join(directory, 'model');
    await writeModel(python, model, flags.vocabulary);
    for (const benchmark of chosen) {
      // oxlint-disable-next-line no-await-in-loop -- two benchmarks at once would measure each other
      const result = await measure(benchmark, flags, directory, python, model);
      console.log(flags.json ? JSON.stringify(result) : describe(result));
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = exitCodes.userError;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function findBenchmark(name: string): Benchmark {
  const found = benchmarks.find((benchmark) => benchmark.name === name);
  if (found) return found;
  throw new UserError(`unknown benchmark "${name}"; known: ${benchmarks.map((known) => known.name).join(', ')}`);
}

/** Starts both sides, compares what they compute, then times them in turn. */
async function measure(
  benchmark: Benchmark,
  flags: Flags,
  directory: string,
  python: string,
  model: string,
): Promise<Result> {
  const machine = describeMachine(new Date());
  const workload = join(directory, `${benchmark.name}.json`);
  const { threads, kl: klCoefficient, vocabulary } = flags;
  const shared = { model, threads, seed: 1, vocabulary, hyper, klCoefficient, checkSteps: 3 };
  await writeFile(workload, JSON.stringify(benchmark.workload(shared)));

  const contestants: Contestant[] = [];
  const start = async (program: string, ...args: string[]) => {
    const { contestant, ready } = await Contestant.start(program, [...args, workload], threads);
    contestants.push(contestant);
    return { contestant, ready };
  };
  try {
    const peer = await start(python, peerProgram(benchmark.name));
    const ours = await start(process.execPath, join(import.meta.dirname, 'ours', `${benchmark.name}.ts`));
    const reference = await peer.contestant.check();
    const comparisons = compareAnswers(await ours.contestant.check(reference), reference);
    const wrong = comparisons.find(({ same }) => !same);
    if (wrong) throw new UserError(`${benchmark.name}: both sides differ in ${wrong.what}: ${wrong.detail}`);

    const rounds = { ours: [] as Round[], peer: [] as Round[] };
    for (let round = 0; round <= flags.rounds; round++) {
      for (const side of ['ours', 'peer'] as const) {
        const { contestant } = side === 'ours' ? ours : peer;
        // oxlint-disable-next-line no-await-in-loop -- in turn
        const measured = await contestant.round(benchmark.repetitions);
        if (round > 0) rounds[side].push(measured);
      }
    }
    const lines = summarize(
      benchmark,
      { rounds: rounds.ours, peakBytes: ours.contestant.peakBytes },
      { rounds: rounds.peer, peakBytes: peer.contestant.peakBytes },
    );
    return {
      benchmark: benchmark.name,
      sizes: benchmark.sizes,
      peer: benchmark.peer,
      threads,
      klCoefficient,
      vocabulary,
      machine,
      versions: { ...ours.ready.versions, ...peer.ready.versions },
      comparisons,
      rounds,
      lines,
    };
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.stop()));
  }
}

function describe(result: Result): string {
  const { machine } = result;
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`);
  return [
    `${result.benchmark}: ours against ${result.peer}`,
    result.sizes,
    `${versions.join(', ')}; ${result.threads} thread(s) each, vocabulary of ${result.vocabulary}`,
    `${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start`,
    ...result.comparisons.map(({ what, detail }) => `same ${what}: ${detail}`),
    renderTable(result.lines),
    '',
  ].join('\n');
}
