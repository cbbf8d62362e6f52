import { expect, test } from '@jest/globals';
import { annotations } from '../../operator/api/resources/metadata.ts';
import { stages } from '../../operator/kube/objects/r1-kinds.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { reasonOf, row, wordsOf } from './support/pipelines.ts';
import { useOperator } from './support/use-operator.ts';

describeCluster('the operator ends an attempt that', (cluster) => {
  const { world } = useOperator(cluster);

  const gpu = { resources: { limits: { 'nvidia.com/gpu': 4 } } };

  test('says nothing new for too long, and tries again', async () => {
    const retry = { hung: 1, hungAfterSeconds: 4, backoffSeconds: 0 };
    await world().apply('hangs', { image: 'kwok/run', stages: row(1), defaults: { retry } });
    const stage = await world().stage('hangs', 'first', 'Failed');
    expect(stage.status?.attempts).toMatchObject([{ class: 'hung' }, { class: 'hung' }]);
    expect(wordsOf(stage)).toContain('failed 2 times (hung)');
    const [job] = await world().jobsOf('hangs');
    expect(job?.metadata.annotations?.[annotations.stopReason]).toBe('hung');
  });

  test('runs past the deadline of its stage', async () => {
    const [first] = row(1);
    await world().apply('late', { image: 'kwok/run', stages: [{ ...first, deadlineSeconds: 3 }] });
    const stage = await world().stage('late', 'first', 'Failed');
    expect(reasonOf(stage)).toBe('DeadlineExceeded');
    expect(await world().podsOf('late')).toEqual([]);
  });

  test('spends the GPU hours of its pipeline', async () => {
    const spec = { image: 'kwok/run', stages: row(1), defaults: gpu, budget: { gpuHours: 4 * (4 / 3600) } };
    await world().apply('costly', spec);
    const pipeline = await world().pipeline('costly', 'Failed');
    expect(reasonOf(pipeline)).toBe('BudgetExhausted');
    expect(pipeline.status?.gpuHours).toBeGreaterThanOrEqual(4 * (4 / 3600));
    const stage = await world().client.get(stages, { namespace: world().namespace, name: 'costly-first' });
    expect(stage.status?.attempts).toMatchObject([{ outcome: 'Interrupted', gpus: 4 }]);
  });
});
