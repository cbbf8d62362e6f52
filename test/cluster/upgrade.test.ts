import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { chart, helm } from './support/helm.ts';
import { type RunningOperator, startOperator } from './support/operator.ts';
import { Pipelines, row } from './support/pipelines.ts';
import { previousCommit, type PreviousRelease, unpack } from './support/previous-release.ts';
import { announceSkipped, missingPrograms } from './support/tools.ts';

const commit = previousCommit();
const missing = missingPrograms(['helm']) ?? (commit === undefined ? 'no commit with another chart' : undefined);
if (missing !== undefined) announceSkipped('the test of an upgrade', missing);

const directory = useSharedDirectory();
const definitions = ['r1pipelines', 'r1stages'];

/** An operator cannot run in the pods of fake nodes; the chart's is a process beside them. */
const release = ['r1-operator', '--namespace', 'r1-system', '--wait', '--timeout=60s'];
const policyKinds = 'validatingadmissionpolicy,validatingadmissionpolicybinding';
const values = ['--set', 'image.repository=kwok/run'];

describeCluster(
  'an upgrade from an earlier commit, and the way back',
  (cluster) => {
    let previous: PreviousRelease;
    let pipelines: Pipelines;
    let operator: RunningOperator;

    beforeAll(async () => {
      if (commit === undefined || missing !== undefined) return;
      previous = unpack(commit, join(directory(), 'previous'));
      pipelines = new Pipelines(cluster(), await cluster().namespace());
      // up.sh has installed the definitions and the policy of today, by hand; an earlier release may not know the latter.
      await cluster().kubectl('delete', policyKinds, 'r1pipelines.r1.dev');
      const first = ['--create-namespace', '--take-ownership', ...values];
      await helm(['install', ...at(previous.chart), ...first], cluster().kubeconfig);
      operator = await start(previous.main);
    });

    afterAll(async () => {
      await operator?.stop();
      await pipelines?.close();
    });

    (missing === undefined ? test : test.skip)(
      'leave what runs alone, and both operators go on with it',
      async () => {
        expect(await schemas()).toEqual(await schemasOf(previous.chart));
        const oneMore = { stages: row(2), image: 'kwok/run' };
        await pipelines.apply('runs', oneMore);
        await pipelines.apply('goes-on', oneMore);
        await pipelines.stage('runs', 'first', 'Running');
        await pipelines.stage('goes-on', 'first', 'Running');
        const before = await traces('runs');

        await operator.stop();
        await helm(['upgrade', ...at(chart), ...values], cluster().kubeconfig);
        expect(await schemas()).toEqual(await schemasOf(chart));
        await cluster().kubectl('get', policyKinds, 'r1pipelines.r1.dev');
        operator = await start();
        await pipelines.apply('new', { stages: row(2) });
        await pipelines.pipeline('new', 'Succeeded');
        await suspend('goes-on', true);
        await pipelines.pipeline('goes-on', 'Suspended');
        expect(await traces('runs')).toEqual(before);

        await operator.stop();
        await helm(['rollback', ...release], cluster().kubeconfig);
        expect(await schemas()).toEqual(await schemasOf(previous.chart));
        operator = await start(previous.main);
        await suspend('goes-on', false);
        await pipelines.stage('goes-on', 'first', 'Running');
        await pipelines.pipeline('new', 'Succeeded');
        expect((await traces('goes-on')).jobs).toHaveLength(2);
        expect(await traces('runs')).toEqual(before);
      },
      180_000,
    );

    function start(main?: string): Promise<RunningOperator> {
      const args = ['--leader-election-id', 'r1-operator', '--namespace', pipelines.namespace];
      return startOperator({ kubeconfig: cluster().kubeconfig, args, ...(main !== undefined && { main }) });
    }

    function suspend(name: string, suspended: boolean): Promise<string> {
      const patch = JSON.stringify({ spec: { suspend: suspended } });
      return pipelines.kubectl('patch', 'r1pipeline', name, '--type=merge', '-p', patch);
    }

    /** What must be the same object all the time. */
    async function traces(name: string): Promise<{ readonly stage: unknown; readonly jobs: readonly unknown[] }> {
      const { metadata, status } = await pipelines.stage(name, 'first', 'Running');
      const jobs = await pipelines.jobsOf(name);
      return {
        stage: [metadata.uid, status?.attempts],
        jobs: jobs.map((job) => [job.metadata.name, job.metadata.uid]),
      };
    }

    async function schemas(): Promise<unknown[]> {
      const names = definitions.map((plural) => `crd/${plural}.r1.dev`);
      const { items } = JSON.parse(await cluster().kubectl('get', ...names, '-o', 'json')) as { items: unknown[] };
      return items.map(schemaOf);
    }
  },
  { own: true },
);

/** Arguments of `helm install` and `helm upgrade`. */
function at(path: string): string[] {
  const [name = '', ...flags] = release;
  return [name, path, ...flags];
}

function schemasOf(path: string): Promise<unknown[]> {
  const files = definitions.map((plural) => join(path, `files/crds/r1.dev_${plural}.yaml`));
  return Promise.all(files.map(async (file) => schemaOf(parse(await readFile(file, 'utf8')))));
}

function schemaOf(definition: unknown): unknown {
  return (definition as { spec: { versions: { schema: unknown }[] } }).spec.versions[0]?.schema;
}
