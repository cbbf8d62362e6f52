import { Command, Option } from 'commander';
import { controlPlanePrograms, missingPrograms } from '../test/cluster/support/tools.ts';
import { exitCodes } from '../trainer/contract/process/exit-codes.ts';
import { describeMachine } from './machine.ts';
import { measureIdle } from './operator/idle.ts';
import { measureOperator, measurePeer, type Run } from './operator/measure.ts';
import { stageNames } from './operator/pipelines.ts';
import { renderIdle, renderRequests, renderTable, summarize } from './operator/report.ts';

interface Flags {
  readonly pipelines: readonly number[];
  readonly rounds: number;
  readonly idle: number;
  readonly json: boolean;
}

/** `npm run bench -- operator`: the operator against a program that only creates the next Job. */
export function operatorCommand(): Command {
  return new Command('operator')
    .description('Measures the operator, a trivial sequencer, and one that also writes the same objects, in turn.')
    .option('--pipelines <list>', 'pipelines at a time, separated by commas', numbers, [100, 300])
    .option('--rounds <n>', 'rounds of each side', Number, 3)
    .option('--idle <seconds>', 'how long the idle operator is watched; 0: not at all', Number, 120)
    .addOption(new Option('--json', 'print one JSON document a measurement instead of tables').default(false))
    .action(async (flags: Flags) => {
      const missing = missingPrograms(controlPlanePrograms);
      if (missing !== undefined) {
        console.error(missing);
        process.exitCode = exitCodes.userError;
        return;
      }
      // oxlint-disable no-await-in-loop -- two measurements at once would measure each other
      for (const count of flags.pipelines) await compare(count, flags);
      // oxlint-enable no-await-in-loop
      if (flags.idle === 0) return;
      const idle = await measureIdle(flags.idle);
      console.log(flags.json ? JSON.stringify(idle) : renderIdle(idle));
    });
}

async function compare(count: number, { rounds, json }: Flags): Promise<void> {
  const machine = describeMachine(new Date());
  const runs: Run[] = [];
  for (let round = 0; round < rounds; round++) {
    // oxlint-disable no-await-in-loop -- in turn
    const { run, templates } = await measureOperator(count);
    runs.push(run, await measurePeer('sequencer', count, templates.sequencer));
    runs.push(await measurePeer('writer', count, templates.writer));
    // oxlint-enable no-await-in-loop
  }
  if (json) {
    console.log(JSON.stringify({ machine, runs }));
    return;
  }
  console.log(
    [
      `operator: ${count} pipelines of ${stageNames.length} stages, one Job each, against a sequencer of the same Jobs, and a writer of the same objects`,
      `${machine.date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)} at the start; median of ${rounds}`,
      renderTable(summarize(runs)),
      ...runs.slice(0, 1).map((run) => `requests per stage: ${renderRequests(run)}`),
      '',
    ].join('\n'),
  );
}

function numbers(list: string): number[] {
  return list.split(',').map(Number);
}
