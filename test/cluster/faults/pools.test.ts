import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { volumeClaims } from '../../../operator/kube/client/resources.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { eventually } from '../support/eventually.ts';
import { type RunningOperator, startOperator } from '../support/operator.ts';
import { Pipelines, row, wordsOf } from '../support/pipelines.ts';
import { flags } from './crash.ts';

const eightGpus = { limits: { 'nvidia.com/gpu': 8 } };
const taint = { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' };

describeCluster('stages', (cluster) => {
  let world: Pipelines;
  let operator: RunningOperator;

  beforeAll(async () => {
    world = new Pipelines(cluster(), await cluster().namespace());
    operator = await startOperator({ kubeconfig: cluster().kubeconfig, args: flags(world.namespace, 0) });
  });

  afterAll(async () => {
    await operator?.kill();
    await world?.close();
  });

  test('run on nodes that have the GPUs that they ask for, each type in its pool', async () => {
    const [first, second] = row(2);
    await world.apply('pools', {
      defaults: { resources: eightGpus },
      stages: [
        first, // neither the node without GPUs nor the tainted one
        { ...second, nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-H100-80GB-HBM3' }, tolerations: [taint] },
        {
          name: 'check',
          model: { from: 'second' },
          evaluate: { data: ['sums'] },
          resources: {},
          nodeSelector: { pool: 'cpu' },
        },
      ],
    });
    await world.pipeline('pools', 'Succeeded');
    const pods = await world.podsOf('pools');
    expect(
      Object.fromEntries(pods.map(({ metadata, spec }) => [metadata.labels?.['r1.dev/stage'], spec?.nodeName])),
    ).toEqual({
      first: expect.stringMatching(/^a100-/),
      second: 'h100-1',
      check: 'cpu-1',
    });
  });

  test('that fit on no node say so in kubectl get r1s', async () => {
    await world.apply('too-big', { stages: row(1), defaults: { resources: { limits: { 'nvidia.com/gpu': 9 } } } });
    await world.stage('too-big', 'first', 'Unschedulable');
    const table = await world.kubectl('get', 'r1s', 'too-big-first', '-o', 'wide');
    expect(table).toMatch(/^NAME +PIPELINE +TYPE +STATE +STEP .*MESSAGE\n/);
    expect(table).toMatch(/too-big-first +too-big +pretrain +Unschedulable .*Insufficient nvidia.com\/gpu/);
  });

  test('whose claim was deleted under them say so, and which stage to run again', async () => {
    await world.apply('robbed', { image: 'kwok/succeed:5s', stages: row(2) });
    await world.stage('robbed', 'first', 'Running');
    await world.kubectl('delete', 'pvc', 'robbed-volume', '--wait=false');
    // A claim is kept until the pods that have mounted it are gone.
    const words = await eventually('the second stage says so', async () => {
      const table = await world.kubectl('get', 'r1s', 'robbed-second', '-o', 'wide', '--ignore-not-found');
      return /claim "robbed-volume"/.test(table) && table;
    });
    expect(words).toMatch(/claim "robbed-volume" (is being deleted|not found)/);

    await world.kubectl('delete', 'pod', '-l=r1.dev/pipeline=robbed', '--wait=false');
    await eventually('the claim is gone', async () => {
      const name = { namespace: world.namespace, name: 'robbed-volume' };
      return (await world.client.find(volumeClaims, name)) === undefined;
    });
  });

  test('whose outputs are lost with their claim name the stage to run again', async () => {
    const [first, second] = row(2);
    await world.apply('emptied', { stages: [{ ...first, gate: { approval: true } }, second] });
    const waiting = await world.pipeline('emptied', 'Waiting');
    expect(wordsOf(waiting)).toContain('waits for approval');
    await world.kubectl('delete', 'pod', '-l=r1.dev/pipeline=emptied', '--wait=false');
    await world.kubectl('delete', 'pvc', 'emptied-volume', '--timeout=20s');
    await operator.kill(); // one that has just seen the claim takes it for granted for a minute
    operator = await startOperator({ kubeconfig: cluster().kubeconfig, args: flags(world.namespace, 1) });
    await world.kubectl('annotate', 'r1p', 'emptied', 'r1.dev/approved=first');
    const words = await eventually('the second stage says so', async () => {
      const table = await world.kubectl('get', 'r1s', 'emptied-second', '-o', 'wide', '--ignore-not-found');
      return table.includes('not found') && table;
    });
    expect(words).toContain(
      'claim "emptied-volume" not found, and with it the output of first: run again from first on',
    );
  });
});
