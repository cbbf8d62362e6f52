import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { leases, pods, type Pod, type Stored } from '../../../operator/kube/client/resources.ts';
import { eventually } from '../support/eventually.ts';
import { Pipelines } from '../support/pipelines.ts';
import { describeFaults, release } from './describe-faults.ts';
import { DisturbedPipeline, undisturbed } from './disturbed-pipeline.ts';
import { podProcess } from './pod-process.ts';

const kills = 10;
const inOneAttempt = ['base 1 Succeeded', 'samples 1 Succeeded', 'zero 1 Succeeded'];

describeFaults(
  'stages run on while nobody looks after them',
  (cluster) => {
    let system: Pipelines;

    beforeAll(async () => {
      system = new Pipelines(cluster(), release.namespace);
    });

    afterAll(async () => system?.close());

    test('as the operator that leads is killed, and another one takes over within 20 seconds', async () => {
      await using pipeline = await DisturbedPipeline.start(cluster(), 'short.yaml');
      const failovers: number[] = [];
      for (const [stage, steps] of [
        ['base', 30],
        ['zero', 12],
      ] as const) {
        // oxlint-disable no-await-in-loop -- one after the other
        await pipeline.saved(stage, steps);
        const leader = await leaderNow();
        kill(leader);
        const killedAt = performance.now();
        await eventually('another one leads', async () => (await leaderNow()).metadata.uid !== leader.metadata.uid);
        failovers.push(performance.now() - killedAt);
        // oxlint-enable no-await-in-loop
      }
      console.log(`failover after ${failovers.map((ms) => (ms / 1000).toFixed(1)).join(' and ')} s`);
      expect(Math.max(...failovers)).toBeLessThanOrEqual(20_000);
      expect(await pipeline.succeeded()).toEqual(await undisturbed('short.yaml'));
      expect(await pipeline.allAttempts()).toEqual(inOneAttempt);
    }, 600_000);

    test(`as the only operator is killed at ${kills} random moments`, async () => {
      await scale(1);
      await using pipelines = new AsyncDisposableStack();
      const started: { manifest: string; pipeline: DisturbedPipeline }[] = [];
      const startAnother = async (manifest: string): Promise<void> => {
        started.push({ manifest, pipeline: pipelines.use(await DisturbedPipeline.start(cluster(), manifest)) });
      };
      await startAnother('mini.yaml');
      const key = randomKey('moments');
      for (let round = 0; round < kills; round++) {
        // oxlint-disable no-await-in-loop -- one after the other
        if (round % 3 === 0) await startAnother('short.yaml'); // the last one goes on after the last kill
        const leader = await leaderNow();
        await sleep(uniform(key, round) * 1000);
        kill(leader);
        // A container that dies again and again is started later and later; a new pod at once.
        await system.kubectl('delete', 'pod', leader.metadata.name, '--grace-period=0', '--force');
        // oxlint-enable no-await-in-loop
      }
      for (const { manifest, pipeline } of started) {
        // oxlint-disable no-await-in-loop -- one after the other
        // Five pipelines share the node, and got little done so far.
        expect(await pipeline.succeeded(600_000)).toEqual(await undisturbed(manifest));
        for (const attempt of await pipeline.allAttempts()) expect(attempt).toMatch(/ 1 Succeeded$/);
        // oxlint-enable no-await-in-loop
      }
    }, 1_500_000);

    test.each([
      { seconds: 5, what: 'the leader keeps its lease' },
      { seconds: 30, what: 'the leader has to give up' },
    ])(
      'as the API server is away for $seconds seconds: $what',
      async ({ seconds }) => {
        await using pipeline = await DisturbedPipeline.start(cluster(), 'short.yaml');
        for (const [stage, steps] of [
          ['base', 60],
          ['zero', 42], // the stage ends in the meantime
        ] as const) {
          // oxlint-disable no-await-in-loop -- one after the other
          await pipeline.saved(stage, steps);
          await cluster().stop('kube-apiserver');
          await sleep(seconds * 1000);
          await cluster().start('kube-apiserver');
          await eventually('it answers', async () =>
            cluster()
              .kubectl('get', '--raw', '/readyz')
              .then(
                () => true,
                () => false,
              ),
          );
          // oxlint-enable no-await-in-loop
        }
        expect(await pipeline.succeeded()).toEqual(await undisturbed('short.yaml'));
        expect(await pipeline.allAttempts()).toEqual(inOneAttempt);
      },
      600_000,
    );

    /** The pod whose operator leads, and runs. */
    async function leaderNow(): Promise<Stored<Pod>> {
      return eventually('an operator leads', async () => {
        const lease = await system.client.find(leases, release);
        const [name = ''] = (lease?.spec?.holderIdentity ?? '').split('_');
        const pod = name === '' ? undefined : await system.client.find(pods, { ...release, name });
        return pod !== undefined && podProcess(pod.metadata.uid, 'r1-operator') !== undefined && pod;
      });
    }

    async function scale(replicas: number): Promise<void> {
      await system.kubectl('scale', `deployment/${release.name}`, `--replicas=${replicas}`);
      await system.kubectl('rollout', 'status', `deployment/${release.name}`, '--timeout=60s');
    }
  },
  ['replicas=2'],
);

function kill({ metadata }: Stored<Pod>): void {
  const pid = podProcess(metadata.uid, 'r1-operator');
  if (pid === undefined) throw new Error(`${metadata.name} runs no operator`);
  process.kill(pid, 'SIGKILL');
}
