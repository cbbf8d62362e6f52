import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../trainer/contract/process/errors.ts';
import type { Benchmark, Peer, Sizes } from './benchmarks.ts';
import { compareAnswers, type Comparison } from './compare.ts';
import { Contestant } from './contestant.ts';
import { describeMachine } from './machine.ts';
import type { Round } from './messages.ts';
import { peerProgram } from './peers.ts';
import { type Line, summarize } from './report.ts';
import type { Shared } from './workload.ts';

export interface Settings {
  readonly benchmark: Benchmark;
  readonly peer: Peer;
  readonly sizes: Sizes;
  readonly shared: Shared;
  readonly rounds: number;
  /** The peer's interpreter. */
  readonly python: string;
  /** For the workload file. */
  readonly directory: string;
  /** Whether the targets are meant for these sizes. */
  readonly ownSizes: boolean;
}

export interface Result {
  readonly benchmark: string;
  readonly sizes: string;
  readonly model: string;
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

/** Starts both sides, compares what they compute, then times them in turn. */
export async function measure(settings: Settings): Promise<Result> {
  const { benchmark, peer, sizes, shared, rounds, python, directory, ownSizes } = settings;
  const machine = describeMachine(new Date());
  const workload = join(directory, `${benchmark.name}.json`);
  const { threads } = shared;
  const { precision } = peer;
  await writeFile(workload, JSON.stringify({ ...benchmark.workload(shared, sizes), precision, ...peer.settings }));

  const contestants: Contestant[] = [];
  const start = async (program: string, ...args: string[]) => {
    const { contestant, ready } = await Contestant.start(program, [...args, workload], threads);
    contestants.push(contestant);
    return { contestant, ready };
  };
  try {
    const theirs = await start(python, peerProgram(peer.program));
    const ours = await start(process.execPath, join(import.meta.dirname, 'ours', `${benchmark.program}.ts`));
    const reference = await theirs.contestant.check();
    const leastExact = shared.ownPrecision === 'bf16' ? 'bf16' : precision;
    const comparisons = compareAnswers(await ours.contestant.check(reference), reference, leastExact);
    const wrong = comparisons.find(({ same }) => !same);
    if (wrong) throw new UserError(`${benchmark.name}: both sides differ in ${wrong.what}: ${wrong.detail}`);

    const measured = { ours: [] as Round[], peer: [] as Round[] };
    for (let round = 0; round <= rounds; round++) {
      for (const side of ['ours', 'peer'] as const) {
        const { contestant } = side === 'ours' ? ours : theirs;
        // oxlint-disable-next-line no-await-in-loop -- in turn
        const figures = await contestant.round(benchmark.repetitions);
        if (round > 0) measured[side].push(figures);
      }
    }
    const { unit: name, repetitions } = benchmark;
    const lines = summarize(
      { name, repetitions, perRepetition: benchmark.perRepetition(sizes), targets: ownSizes ? peer.targets : [] },
      { rounds: measured.ours, peakBytes: ours.contestant.peakBytes },
      { rounds: measured.peer, peakBytes: theirs.contestant.peakBytes },
    );
    return {
      benchmark: benchmark.name,
      sizes: `${benchmark.describe(sizes)}${shared.ownPrecision === 'bf16' ? '; ours in bf16' : ''}`,
      model: shared.model,
      peer: peer.title,
      threads,
      klCoefficient: shared.klCoefficient,
      vocabulary: shared.vocabulary,
      machine,
      versions: { ...ours.ready.versions, ...theirs.ready.versions },
      comparisons,
      rounds: measured,
      lines,
    };
  } finally {
    await Promise.all(contestants.map((contestant) => contestant.stop()));
  }
}
