import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { apiGroup, apiVersion } from '../../operator/api/resources/metadata.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { clusterFlags } from '../cluster/options.ts';
import { displayOn } from '../display/display-on.ts';
import { asPipelineShows } from '../display/run-state.ts';
import { summaryOf } from '../display/summary.ts';
import { watchTable } from '../display/watch-table.ts';
import { programName } from '../invocation.ts';
import type { PipelineSource } from '../pipeline-source.ts';
import { addPlaceOptions, type PlaceOptions } from '../place-options.ts';
import { type ResourceKind, resourceKind } from '../resource-kind.ts';
import { pipelineTable, stageTable } from '../resource-tables.ts';
import { waitingGates } from '../waiting-gates.ts';
import { watchPipeline } from '../watch-pipeline.ts';
import { withSource } from '../with-source.ts';

const outputs = ['wide', 'json', 'yaml', 'name'] as const;

interface GetOptions extends PlaceOptions {
  readonly output?: (typeof outputs)[number];
  readonly allNamespaces: boolean;
  readonly watch: boolean;
}

export function addGet(program: Command): void {
  const command = program
    .command('get')
    .description('list pipelines, or the stages of one or all of them')
    .argument('[kind]', 'pipelines or stages', 'pipelines')
    .argument('[pipeline]', 'only this one')
    .addOption(new Option('-o, --output <format>', 'more columns, or for machines').choices(outputs))
    .option('-A, --all-namespaces', 'of all namespaces of a cluster', false)
    .option('-w, --watch', 'go on showing what changes; of one pipeline, its stages until it has ended', false);
  addPlaceOptions(command).action(get);
}

async function get(given: string, name: string | undefined, options: GetOptions): Promise<void> {
  const kind = resourceKind(given, name);
  const { output, watch, allNamespaces: everywhere } = options;
  if (name !== undefined && everywhere) {
    throw new UserError(`get: found --all-namespaces with the pipeline "${name}", expected one of the two`);
  }
  if (watch && output !== undefined && output !== 'wide') {
    throw new UserError(`get: found --watch with -o ${output}, expected it with a table`);
  }
  await withSource(options, async (source) => {
    if (watch && name !== undefined) return watchOne(source, name);
    const draw = (resources: readonly (R1Pipeline | R1Stage)[]) =>
      drawTable(kind, resources, { wide: output === 'wide', everywhere });
    if (watch) return watchTable(process.stdout, async () => (await readShown(source, kind, name)).resources, draw);

    if (output === 'json' || output === 'yaml') {
      const resources = await readResources(source, kind, name);
      const one = kind === 'pipelines' && name !== undefined ? resources[0] : undefined;
      process.stdout.write(forMachines(one ?? listOf(kind, resources), output));
    } else if (output === 'name') {
      const resources = await readResources(source, kind, name);
      for (const each of resources) console.log(`${each.kind.toLowerCase()}.${apiGroup}/${each.metadata.name}`);
    } else {
      const { resources, pipelines } = await readShown(source, kind, name);
      if (resources.length === 0) return console.error(`nothing found in ${source.place}`);
      console.log(draw(resources));
      for (const line of pipelines.flatMap((pipeline) => gatesOf(pipeline, options))) console.error(line);
    }
  });
}

/** Beside the table and not in it, for whoever reads columns. */
function gatesOf(pipeline: R1Pipeline, { state, ...options }: GetOptions): string[] {
  const { name, namespace } = pipeline.metadata;
  const local = state === undefined || state === '.r1' ? '' : ` --state ${state}`;
  const where = namespace === undefined ? local : clusterFlags({ ...options, namespace });
  return waitingGates(
    pipeline,
    `${programName} approve${where} ${name}`,
    namespace === undefined ? 'r1 run' : 'the operator',
  );
}

async function watchOne(source: PipelineSource, name: string): Promise<void> {
  const display = displayOn(process.stdout);
  const { pipeline, stages } = await watchPipeline(source, name, display);
  console.log(`\n${summaryOf({ pipeline, stages })}`);
}

/** What a table shows: pipelines, or stages with what their pipelines make of them. */
async function readShown(
  source: PipelineSource,
  kind: ResourceKind,
  name: string | undefined,
): Promise<{ resources: readonly (R1Pipeline | R1Stage)[]; pipelines: readonly R1Pipeline[] }> {
  const resources = await readResources(source, kind, name);
  if (kind === 'pipelines') return { resources, pipelines: resources as readonly R1Pipeline[] };
  const pipelines = name === undefined ? await source.pipelines() : [(await source.read(name)).pipeline];
  const pipelineOf = ({ metadata, spec }: R1Stage) =>
    pipelines.find((each) => each.metadata.name === spec.pipeline && each.metadata.namespace === metadata.namespace);
  const stages = resources as readonly R1Stage[];
  return { resources: stages.map((stage) => asPipelineShows(stage, pipelineOf(stage))), pipelines };
}

async function readResources(
  source: PipelineSource,
  kind: ResourceKind,
  name: string | undefined,
): Promise<readonly (R1Pipeline | R1Stage)[]> {
  if (name === undefined) return source[kind]();
  const { pipeline, stages } = await source.read(name);
  return kind === 'pipelines' ? [pipeline] : stages;
}

function drawTable(
  kind: ResourceKind,
  resources: readonly (R1Pipeline | R1Stage)[],
  options: { readonly wide: boolean; readonly everywhere: boolean },
): string {
  return kind === 'pipelines'
    ? pipelineTable(resources as readonly R1Pipeline[], new Date(), options)
    : stageTable(resources as readonly R1Stage[], new Date(), options);
}

function listOf(kind: ResourceKind, items: readonly (R1Pipeline | R1Stage)[]): object {
  return { apiVersion, kind: kind === 'pipelines' ? 'R1PipelineList' : 'R1StageList', items };
}

function forMachines(object: object, output: 'json' | 'yaml'): string {
  return output === 'json'
    ? `${JSON.stringify(object, undefined, 2)}\n`
    : stringify(object, { aliasDuplicateObjects: false });
}
