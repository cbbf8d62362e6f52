import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { annotations } from '../../../operator/api/resources/metadata.ts';
import { eventually } from '../support/eventually.ts';
import { describeFaults } from './describe-faults.ts';
import { DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { localVolume } from './local-volume.ts';
import { runInNode } from './node-process.ts';

const manifest = 'short.yaml';
const words = /no space left on the device/;

describeFaults('a stage on a volume that is full', (cluster) => {
  test('says so, and goes on once the volume was enlarged', async () => {
    await volumeInMemory('enlarged', '3m');
    const retry = { diskFull: 5, backoffSeconds: 5, maxBackoffSeconds: 10 };
    await using pipeline = await start('enlarged', retry);
    const stage = await pipeline.stage(pipeline.name, 'base', 'Retrying');
    console.log(stage.status?.display?.message);
    expect(stage.status?.failures).toEqual({ diskFull: 1 });
    expect(stage.status?.display?.message).toMatch(words);
    await runInNode(cluster(), 'mount', '-o', 'remount,size=64m', join(cluster().directory, 'enlarged'));
    expect(await pipeline.succeeded()).toEqual(await undisturbed(manifest));
  }, 600_000);

  test('fails when it stays full, and goes on when someone has made room and wants it tried again', async () => {
    const rubbish = join(cluster().directory, 'cleaned/rubbish');
    await volumeInMemory('cleaned', '24m');
    await runInNode(cluster(), 'fallocate', '-l', '22M', rubbish);
    await using pipeline = await start('cleaned', { diskFull: 1, backoffSeconds: 0.1 });
    const failed = await pipeline.stage(pipeline.name, 'base', 'Failed');
    expect(failed.status?.failures).toEqual({ diskFull: 2 });
    expect(failed.status?.display?.message).toMatch(/^failed 2 times \(diskFull\): /);
    const { message } = await eventually('the pipeline says so', async () =>
      (await pipeline.displays()).find((shown) => /^stage base failed .*no space left/.test(shown.message)),
    );
    console.log(message);
    await runInNode(cluster(), 'rm', rubbish);
    await pipeline.kubectl('annotate', 'r1stage', `${pipeline.name}-base`, `${annotations.forgiven}=2`);
    expect(await pipeline.succeeded()).toEqual(await undisturbed(manifest));
  }, 600_000);

  async function volumeInMemory(name: string, size: string): Promise<void> {
    const path = join(cluster().directory, name);
    await runInNode(cluster(), 'mkdir', path);
    await runInNode(cluster(), 'mount', '-t', 'tmpfs', '-o', `size=${size},mode=0777`, 'tmpfs', path);
    await localVolume(cluster(), name, path);
  }

  function start(name: string, retry: object): Promise<DisturbedPipeline> {
    const stages = Object.fromEntries(['base', 'zero', 'samples'].map((stage) => [stage, { retry }]));
    return DisturbedPipeline.start(cluster(), manifest, {
      name,
      spec: { storage: { storageClassName: name, size: '1Gi' } },
      stages,
    });
  }
});
