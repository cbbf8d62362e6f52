import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeCluster } from './support/describe-cluster.ts';
import { type RunningOperator, startOperator } from './support/operator.ts';
import { Pipelines, row } from './support/pipelines.ts';

const added = { type: 'number', default: 0, description: 'What a later version asks for.' };
const places = {
  r1stages: 'spec/properties/pretrain/properties/emaDecay',
  r1pipelines: 'spec/properties/stages/items/properties/pretrain/properties/emaDecay',
};

describeCluster(
  'a definition with one more setting that has a default',
  (cluster) => {
    let pipelines: Pipelines;
    let operator: RunningOperator;
    const start = () => startOperator({ kubeconfig: cluster().kubeconfig, args: ['--namespace', pipelines.namespace] });

    beforeAll(async () => {
      pipelines = new Pipelines(cluster(), await cluster().namespace());
      operator = await start();
    });

    afterAll(async () => {
      await operator?.stop();
      await pipelines?.close();
    });

    test('leaves what runs and what has finished alone', async () => {
      await pipelines.apply('finished', { stages: row(1) });
      await pipelines.pipeline('finished', 'Succeeded');
      await pipelines.apply('runs', { stages: row(2), image: 'kwok/run' });
      await pipelines.stage('runs', 'first', 'Running');
      const before = await traces();

      for (const [plural, place] of Object.entries(places)) {
        const path = `/spec/versions/0/schema/openAPIV3Schema/properties/${place}`;
        const patch = JSON.stringify([{ op: 'add', path, value: added }]);
        await cluster().kubectl('patch', 'crd', `${plural}.r1.dev`, '--type=json', '-p', patch);
      }
      await operator.stop();
      operator = await start();
      await pipelines.apply('new', { stages: row(2) });
      await pipelines.pipeline('new', 'Succeeded');
      const stage = await pipelines.stage('new', 'first', 'Succeeded');
      expect(stage.spec.pretrain).toMatchObject({ emaDecay: 0 });
      expect(await traces()).toEqual(before);
      await pipelines.pipeline('finished', 'Succeeded');
    });

    async function traces(): Promise<readonly unknown[]> {
      const jobs = [...(await pipelines.jobsOf('runs')), ...(await pipelines.jobsOf('finished'))];
      return jobs.map(({ metadata }) => [metadata.name, metadata.uid]);
    }
  },
  { own: true },
);
