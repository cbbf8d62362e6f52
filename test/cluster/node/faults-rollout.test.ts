import { expect, test } from '@jest/globals';
import { attemptLabels } from '../../../operator/kube/objects/labels.ts';
import type { Pod, Stored } from '../../../operator/kube/client/resources.ts';
import { eventually } from '../support/eventually.ts';
import { describeFaults } from './describe-faults.ts';
import { type Change, DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { podProcess } from './pod-process.ts';

const manifest = 'rollouts.yaml';

describeFaults('rollout workers', (cluster) => {
  test('change nothing in the checkpoints, however many there are and whenever they are lost', async () => {
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest, withWorkers(2));
    const running = async (count: number): Promise<Stored<Pod>[]> =>
      eventually(`${count} workers run`, async () => {
        const workers = (await pipeline.podsOf(pipeline.name)).filter(
          ({ metadata }) =>
            metadata.labels?.[attemptLabels.component] === 'rollout-worker' &&
            podProcess(metadata.uid, 'r1-trainer rollout') !== undefined,
        );
        return workers.length === count && workers;
      });

    await pipeline.saved('zero', 10);
    const [first, second] = await running(2);
    process.kill(podProcess(first?.metadata.uid ?? '', 'r1-trainer rollout') ?? 0, 'SIGKILL');
    await pipeline.saved('zero', 40);
    await pipeline.kubectl('delete', 'pod', second?.metadata.name ?? '', '--grace-period=0', '--force');
    await pipeline.saved('zero', 80);
    await pipeline.change(withWorkers(3));
    await running(3);
    expect(await pipeline.succeeded()).toEqual(await undisturbed(manifest));
    expect((await pipeline.attemptsOf('zero')).map(({ outcome }) => outcome)).toEqual(['Succeeded']);
    await eventually('the workers have left', async () => {
      const names = (await pipeline.jobsOf(pipeline.name)).map(({ metadata }) => metadata.name);
      return !names.some((name) => name.endsWith('-rollout'));
    });
  }, 600_000);
});

function withWorkers(rolloutWorkers: number): Change {
  return { stages: { zero: { rolloutWorkers } } };
}
