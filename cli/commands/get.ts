import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import type { R1Pipeline } from '../../operator/api/pipeline.ts';
import type { R1Stage } from '../../operator/api/stage.ts';
import { type StateOption, stateOption } from '../options.ts';
import { pipelineNames, readState } from '../state.ts';
import type { PipelineState } from '../../operator/local/pipeline-state.ts';
import { pipelineTable, stageTable } from '../resource-tables.ts';
import { UserError } from '../../trainer/contract/errors.ts';

const outputs = ['wide', 'json', 'yaml'] as const;

interface GetOptions extends StateOption {
  readonly output?: (typeof outputs)[number];
}

const kinds: Readonly<Record<string, 'pipelines' | 'stages'>> = {
  pipelines: 'pipelines',
  pipeline: 'pipelines',
  r1pipelines: 'pipelines',
  r1p: 'pipelines',
  stages: 'stages',
  stage: 'stages',
  r1stages: 'stages',
  r1s: 'stages',
};

export function addGet(program: Command): void {
  program
    .command('get')
    .description('list pipelines, or the stages of one or all of them')
    .argument('[kind]', 'pipelines or stages', 'pipelines')
    .argument('[pipeline]', 'only this one')
    .addOption(new Option('-o, --output <format>', 'more columns, or for machines').choices(outputs))
    .addOption(stateOption())
    .action(async (given: string, name: string | undefined, options: GetOptions) => {
      const kind = kinds[given.toLowerCase()];
      if (!kind) throw new UserError(`get: unknown kind "${given}"; expected pipelines or stages`);
      const states = await readStates(options.state, name);
      const text = kind === 'pipelines' ? showPipelines(states, options) : showStages(states, options);
      process.stdout.write(text);
    });
}

async function readStates(state: string, name: string | undefined): Promise<PipelineState[]> {
  const names = name === undefined ? await pipelineNames(state) : [name];
  return Promise.all(names.map((each) => readState(state, each)));
}

function showPipelines(states: readonly PipelineState[], { output, state }: GetOptions): string {
  const pipelines = states.map(({ pipeline }) => pipeline);
  if (output === 'json' || output === 'yaml') return forMachines('R1PipelineList', pipelines, output);
  if (pipelines.length === 0) return nothingIn(state);
  return `${pipelineTable(pipelines, new Date(), output === 'wide')}\n`;
}

function showStages(states: readonly PipelineState[], { output, state }: GetOptions): string {
  const stages = states.flatMap((each) => each.stages);
  if (output === 'json' || output === 'yaml') return forMachines('R1StageList', stages, output);
  if (stages.length === 0) return nothingIn(state);
  return `${stageTable(stages, new Date(), output === 'wide')}\n`;
}

/** A list object as kubectl prints it. */
function forMachines(kind: string, items: readonly (R1Pipeline | R1Stage)[], output: 'json' | 'yaml'): string {
  const list = { apiVersion: 'r1.dev/v1alpha1', kind, items };
  return output === 'json'
    ? `${JSON.stringify(list, undefined, 2)}\n`
    : stringify(list, { aliasDuplicateObjects: false });
}

function nothingIn(state: string): string {
  console.error(`nothing found in ${state}`);
  return '';
}
