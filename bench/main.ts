import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { UserError } from '../trainer/contract/process/errors.ts';
import { exitCodes } from '../trainer/contract/process/exit-codes.ts';
import { type Benchmark, benchmarks, findBenchmark, findPeers, type Sizes } from './benchmarks.ts';
import { describe, markdownRows } from './describe-result.ts';
import { funnelCommand } from './funnel.ts';
import { gpuCommand } from './gpu.ts';
import { grpoMemoryCommand } from './grpo-memory.ts';
import { lengthsCommand } from './lengths.ts';
import { measure } from './measure.ts';
import { memoryCommand } from './memory-curve.ts';
import { type BenchModel, useModel, writeModel } from './models.ts';
import { operatorCommand } from './operator.ts';
import { peerPython } from './peers.ts';
import { hyper } from './workload.ts';

interface Flags extends Partial<Sizes> {
  readonly peer?: string;
  readonly rounds: number;
  readonly threads: number;
  readonly kl: number;
  readonly precision: 'f32' | 'bf16';
  readonly model?: string;
  readonly vocabulary?: number;
  readonly format: 'table' | 'markdown' | 'json';
}

const command = new Command('npm run bench --')
  .description('Measures the trainer, or the operator, and their peers on the same work, alternately, in one run.')
  .argument('<benchmark...>', benchmarks.map(({ name }) => name).join(', '))
  .option('--peer <name>', 'another peer than the first, or all, one after the other')
  .option('--rounds <n>', 'measured rounds of either side, after one that is not counted', Number, 5)
  .option('--threads <n>', 'threads of either side', Number, 1)
  .option('--model <directory>', 'a Hugging Face directory instead of the model with random weights', (path) =>
    resolve(path),
  )
  .option('--vocabulary <n>', 'tokens that the model with random weights knows', Number)
  .option('--rows <n>', 'rows of a batch, or prompts', Number)
  .option('--prompt <n>', 'tokens of a row or prompt', Number)
  .option('--new-tokens <n>', 'longest completion, in tokens', Number)
  .option('--group <n>', 'completions per prompt', Number)
  .option('--kl <coefficient>', 'KL coefficient of grpo-step, on both sides', Number, 0)
  .addOption(new Option('--precision <precision>', 'of our side').choices(['f32', 'bf16']).default('f32'))
  .addOption(
    new Option('--format <format>', 'how results are printed').choices(['table', 'markdown', 'json']).default('table'),
  )
  .enablePositionalOptions() // some options of a subcommand have the names of these
  .action(measureTrainer)
  .addCommand(operatorCommand())
  .addCommand(memoryCommand())
  .addCommand(funnelCommand())
  .addCommand(lengthsCommand())
  .addCommand(grpoMemoryCommand())
  .addCommand(gpuCommand());

await command.parseAsync();

async function measureTrainer(names: readonly string[], flags: Flags): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'r1-bench-'));
  try {
    const chosen = names
      .map(findBenchmark)
      .map((benchmark) => ({ benchmark, peers: findPeers(benchmark, flags.peer) }));
    const python = peerPython();
    for (const { benchmark, peers } of chosen) {
      // oxlint-disable-next-line no-await-in-loop -- two benchmarks at once would measure each other
      const model = await modelOf(benchmark, flags, python, directory);
      const { rounds, threads, kl: klCoefficient, precision: ownPrecision, format } = flags;
      const shared = { ...model, threads, ownPrecision, seed: 1, hyper, klCoefficient, checkSteps: 3 };
      const sizes = sizesOf(benchmark, flags);
      const ownSizes = flags.model === undefined && JSON.stringify(sizes) === JSON.stringify(benchmark.sizes);
      for (const peer of peers) {
        // oxlint-disable-next-line no-await-in-loop
        const result = await measure({ benchmark, peer, sizes, shared, rounds, python, directory, ownSizes });
        const print = { table: describe, markdown: markdownRows, json: JSON.stringify }[format];
        console.log(print(result));
      }
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(error.message);
    process.exitCode = exitCodes.userError;
  } finally {
    await rm(directory, { recursive: true });
  }
}

function sizesOf({ sizes }: Benchmark, { rows, prompt, newTokens, group }: Flags): Sizes {
  return {
    rows: rows ?? sizes.rows,
    prompt: prompt ?? sizes.prompt,
    newTokens: newTokens ?? sizes.newTokens,
    group: group ?? sizes.group,
  };
}

async function modelOf(
  { name, model }: Benchmark,
  flags: Flags,
  python: string,
  directory: string,
): Promise<BenchModel> {
  const place = join(directory, `model-of-${name}`);
  if (flags.model !== undefined) {
    if (model === undefined) return useModel(python, place, flags.model);
    throw new UserError(`${name}: has a model of its own; --model is for the others`);
  }
  return writeModel(python, place, {
    ...model,
    ...(flags.vocabulary !== undefined && { vocab_size: flags.vocabulary }),
  });
}
