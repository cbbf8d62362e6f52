import type { Command } from 'commander';
import { apiGroup } from '../../operator/api/resources/metadata.ts';
import { runResult } from '../../operator/local/run-result.ts';
import { carriedProblems } from '../../operator/local/check-files.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { applyDocument } from '../cluster/apply.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { clusterSource } from '../cluster/cluster-source.ts';
import { gatherLocalFiles } from '../cluster/local-files.ts';
import { addClusterOptions, clusterFlags, type ClusterOptions, requireCluster } from '../cluster/options.ts';
import { withCluster } from '../cluster/with-cluster.ts';
import { displayOn } from '../display/display-on.ts';
import { shortDuration } from '../display/progress-text.ts';
import type { RunState } from '../display/run-state.ts';
import { printOutcome } from '../display/summary.ts';
import { programName } from '../invocation.ts';
import {
  readWrittenManifest,
  refuseProblems,
  type WrittenDocument,
  type WrittenManifest,
  warningsOf,
} from '../manifest-file.ts';
import { isUpToDate, watchPipeline } from '../watch-pipeline.ts';

interface ApplyOptions extends ClusterOptions {
  readonly filename: string;
  readonly forceConflicts: boolean;
  readonly wait: boolean;
}

export function addApply(program: Command): void {
  const command = program
    .command('apply')
    .description('make or change the pipelines of a manifest on a cluster')
    .requiredOption('-f, --filename <file>', 'manifest; - is stdin')
    .option('--force-conflicts', 'take over fields that others have set', false)
    .option('--wait', 'show the pipeline until it has ended, is suspended or waits for a person', false);
  addClusterOptions(command).action(apply);
}

async function apply(options: ApplyOptions): Promise<void> {
  const { filename, wait } = options;
  requireCluster(options, 'apply', `r1 run ${filename} runs it`);
  const manifest = await readWrittenManifest(filename);
  const files = await gatherFiles(manifest, filename);
  for (const warning of warningsOf(manifest)) console.error(`${filename}: warning: ${warning}`);
  const [pipeline, ...others] = manifest.pipelines;
  if (wait && (!pipeline || others.length > 0)) {
    throw new UserError(`${filename}: found ${manifest.pipelines.length} pipelines, expected one to --wait for`);
  }
  // As kubectl does: without an option, the manifest says where.
  const namespace = options.namespace ?? manifest.documents.find(hasNamespace)?.metadata.namespace;
  await withCluster({ ...options, ...(namespace !== undefined && { namespace }) }, async (cluster) => {
    await applyAll(cluster, manifest, files, options.forceConflicts);
    if (wait && pipeline) await waitFor(cluster, pipeline.metadata.name, options);
  });
}

function hasNamespace({ metadata }: WrittenDocument): boolean {
  return metadata.namespace !== undefined;
}

/** By pipeline: the files beside the manifest that it needs on the cluster. */
async function gatherFiles(manifest: WrittenManifest, file: string): Promise<Map<string, ReadonlyMap<string, Buffer>>> {
  const gathered = await Promise.all(
    manifest.pipelines.map(async (pipeline) => {
      const { files, problems } = await gatherLocalFiles(pipeline, file);
      const bad = problems.length > 0 ? problems : await carriedProblems(pipeline.spec, file, [...files.keys()]);
      return { pipeline, files, problems: bad };
    }),
  );
  refuseProblems(
    file,
    gathered.flatMap(({ pipeline, problems }) => problems.map((problem) => manifest.place(pipeline, problem))),
  );
  return new Map(gathered.map(({ pipeline, files }) => [pipeline.metadata.name, files]));
}

async function applyAll(
  cluster: Cluster,
  { documents }: WrittenManifest,
  files: ReadonlyMap<string, ReadonlyMap<string, Buffer>>,
  force: boolean,
): Promise<void> {
  const stray = documents.find(({ metadata }) => (metadata.namespace ?? cluster.namespace) !== cluster.namespace);
  if (stray !== undefined) {
    const { name, namespace } = stray.metadata;
    throw new UserError(`${cluster.place}: found ${name} of namespace ${namespace}, expected it with -n ${namespace}`);
  }
  for (const document of documents) {
    const { kind, metadata } = document;
    const own = kind === 'R1Pipeline' ? files.get(metadata.name) : undefined;
    const applied = await applyDocument(cluster, document, own ?? new Map(), { force });
    console.log(`${kind.toLowerCase()}.${apiGroup}/${metadata.name} ${applied}`);
  }
}

/** Ends when `r1 run` would. */
async function waitFor(cluster: Cluster, name: string, options: ClusterOptions): Promise<void> {
  const run = await watchPipeline(clusterSource(cluster), name, displayOn(process.stdout), isAtRest);
  const result = runResult(run.pipeline, run.stages);
  const { startedAt, completedAt } = run.pipeline.status ?? {};
  const endMs = completedAt === undefined ? Date.now() : Date.parse(completedAt);
  const took = shortDuration((endMs - (startedAt === undefined ? endMs : Date.parse(startedAt))) / 1000);
  const where = clusterFlags({ ...options, namespace: cluster.namespace });
  printOutcome(result, took, (verb) => `${programName} ${verb}${where} ${name}`);
  process.exitCode = result.exitCode;
}

/** It has ended, rests suspended, or waits for nothing but a person; and that is about the spec as it is now. */
function isAtRest({ pipeline, stages }: RunState): boolean {
  if (!isUpToDate(pipeline)) return false;
  if (stages.some((stage) => stage.status?.attempts.at(-1)?.outcome === 'Running')) return false;
  return runResult(pipeline, stages).outcome !== 'Interrupted';
}
