import { expect } from '@jest/globals';
import { annotations } from '../../../operator/api/resources/metadata.ts';
import { describeCluster } from '../support/describe-cluster.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { Pipelines, row } from '../support/pipelines.ts';
import { crashAfterWrites } from './crash.ts';
import { longTest } from './long.ts';
import { Witness } from './witness.ts';

const steps = (count: number): object[] =>
  row(2).map((stage, at) => (at === 0 ? { ...stage, pretrain: { data: ['sums'], steps: count } } : stage));

describeCluster('an operator that is killed after each of its writes', (cluster) => {
  longTest(
    'does what its user says in the meantime once, and whole',
    async () => {
      const proxy = await FaultProxy.start(cluster().kubeconfig);
      await using witness = await Witness.of(cluster(), await cluster().namespace());
      const world = new Pipelines(cluster(), witness.namespace);
      const say = (...words: readonly string[]) => world.kubectl(...words);
      const state = (stage: string) => witness.stage(`told-${stage}`)?.display?.state;
      const job = (name: string) => witness.job(`told-${name}`);
      const wait = (what: string, isSo: () => boolean) => witness.until(what, isSo, 300_000);

      const story = async (): Promise<void> => {
        // A stage that runs for ever is suspended, gets other settings and is resumed.
        await world.apply('told', { image: 'kwok/run', stages: steps(10) });
        await wait('the first attempt runs', () => witness.podsOf('told-first-1').some(isRunning));
        await say('patch', 'r1p', 'told', '--type=merge', '-p', '{"spec":{"suspend":true}}');
        await wait('it rests', () => state('first') === 'Suspended');
        expect(job('first-1')?.metadata.annotations?.[annotations.stopReason]).toBe('suspended');
        await world.apply('told', { image: 'kwok/succeed:1s', suspend: true, stages: steps(20) });
        await say('patch', 'r1p', 'told', '--type=merge', '-p', '{"spec":{"suspend":false}}');
        await wait('it has ended', () => witness.hasEnded(1));

        // All of it is run again.
        const before = job('second-1')?.metadata.uid;
        await say('annotate', 'r1p', 'told', `${annotations.rerunFrom}=first`);
        await wait('it runs again', () => !witness.hasEnded(1));
        await wait('it has ended again', () => witness.hasEnded(1));
        expect(job('second-1')?.metadata.uid).not.toBe(before);

        // A Job waits in a queue that nobody serves; its pipeline is suspended and resumed without the queue.
        await world.apply('queued', { image: 'kwok/succeed:1s', defaults: { queue: 'nobody' }, stages: row(1) });
        await wait('its Job is there', () => witness.job('queued-first-1') !== undefined);
        await say('patch', 'r1p', 'queued', '--type=merge', '-p', '{"spec":{"suspend":true}}');
        await wait('its Job is gone', () => witness.job('queued-first-1') === undefined);
        await world.apply('queued', { image: 'kwok/succeed:1s', suspend: false, stages: row(1) });
        await wait('both have ended', () => witness.hasEnded(2));
      };

      try {
        const count = await crashAfterWrites({ proxy, witness, ended: story(), writes: () => 1, most: Infinity });
        console.log(`${count} crashes`);
        const [told, queued] = ['told-', 'queued-'].map((start) =>
          witness.createdJobs.filter((name) => name.startsWith(start)),
        );
        expect(told).toEqual(jobs.toSorted());
        // The number of an attempt that never left its queue may be given again, where no status tells of it.
        expect(queued?.map((name) => name.replace(/2$/, '1'))).toEqual(['queued-first-1', 'queued-first-1']);
        expect(witness.mostTrainersOfAStage).toBe(1);
        const writes = new Set(proxy.requests.filter(({ write }) => write).map(kindOf));
        for (const kind of lastWrites) expect([...writes]).toContain(kind);
      } finally {
        await world.close();
        await proxy.close();
      }
    },
    900_000,
  );
});

/** Of the first run and of the second. */
const jobs = ['told-first-1', 'told-first-2', 'told-second-1', 'told-first-1', 'told-second-1'];

/** Each was the last write of some operator: a stop, a Job out of its queue, new settings, a re-run and its end. */
const lastWrites = ['PATCH jobs', 'DELETE jobs', 'PUT r1stages', 'DELETE r1stages', 'PATCH r1pipelines'];

function kindOf({ method, path }: { readonly method: string; readonly path: string }): string {
  const parts = path.split('?')[0]?.split('/') ?? [];
  const at = parts.indexOf('namespaces');
  return `${method} ${parts[at + 2]}${parts[at + 4] === undefined ? '' : `/${parts[at + 4]}`}`;
}

function isRunning({ status }: { readonly status?: { readonly phase?: string } }): boolean {
  return status?.phase === 'Running';
}
