import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { run } from '../support/run.ts';
import { scripts } from '../support/tools.ts';
import { describeFaults, image } from './describe-faults.ts';
import { DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { localVolume } from './local-volume.ts';

const manifest = 'short.yaml';
const [lost, other] = ['r1-node', 'r1-node-2'];
/** What is promised of a node that is lost. */
const nextAttemptMs = 90_000;

describeFaults('a stage whose node is lost', (cluster) => {
  beforeAll(async () => {
    await run(join(scripts, 'second-node.sh'), [], {
      env: { R1_CLUSTER_STATE: cluster().directory, R1_IMAGES: image },
    });
  }, 120_000);

  test('goes on elsewhere within 90 seconds, and the trainer that is left there spoils nothing', async () => {
    const volume = join(cluster().directory, 'shared');
    mkdirSync(volume);
    await localVolume(cluster(), 'shared', volume);
    await cluster().kubectl('cordon', other);
    await using pipeline = await DisturbedPipeline.start(cluster(), manifest, {
      spec: { storage: { storageClassName: 'shared', size: '1Gi' } },
      volume,
    });
    const pod = await pipeline.saved('base', 30);
    const left = pipeline.pidOf(pod);
    await cluster().kubectl('uncordon', other);

    // The kubelet is silent, the trainer sleeps in the middle of its work, as on a machine that hangs.
    process.kill(left, 'SIGSTOP');
    await cluster().stop('kubelet');
    const lostAt = performance.now();
    await eventually(
      'another attempt runs',
      async () => (await pipeline.trainersOf('base')).some(({ spec }) => spec?.nodeName === other),
      nextAttemptMs,
    );
    console.log(`another attempt ran ${Math.round((performance.now() - lostAt) / 1000)} s after the node was lost`);
    process.kill(left, 'SIGCONT');

    expect(await pipeline.succeeded()).toEqual(await undisturbed(manifest));
    const attempts = await pipeline.attemptsOf('base');
    expect(attempts).toMatchObject([{ outcome: 'Failed', class: 'disruption' }, { outcome: 'Succeeded' }]);
    expect(attempts[0]?.message).toMatch(/^its node was lost/);

    await cluster().start('kubelet');
    await cluster().kubectl('wait', '--for=condition=Ready', `node/${lost}`, '--timeout=60s');
    await pipeline.kubectl('wait', '--for=delete', `pod/${pod.metadata.name}`, '--timeout=60s');
  }, 600_000);
});
