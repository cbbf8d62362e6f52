import { expect, test } from '@jest/globals';
import { annotations } from '../../operator/api/resources/metadata.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';
import { volumeClaims } from '../../operator/kube/client/resources.ts';
import { r1 } from '../support/cli.ts';
import { readStageFile } from './faults/read-stage-file.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { reasonOf, row, wordsOf } from './support/pipelines.ts';
import { useOperator } from './support/use-operator.ts';

describeCluster('the operator follows a person who', (cluster) => {
  const { world } = useOperator(cluster);
  const goneRunsOf = async (job: string) => (await readStageFile(world().client, world().namespace, job)).goneRuns;

  test('suspends and resumes', async () => {
    await world().apply('paused', { image: 'kwok/run' });
    await world().stage('paused', 'first', 'Running');
    await world().kubectl('patch', 'r1p', 'paused', '--type=merge', '-p', '{"spec":{"suspend":true}}');
    const suspended = await world().stage('paused', 'first', 'Suspended');
    expect(suspended.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }]);
    await world().pipeline('paused', 'Suspended');
    expect(await world().podsOf('paused')).toEqual([]);

    await world().kubectl('patch', 'r1p', 'paused', '--type=merge', '-p', '{"spec":{"suspend":false}}');
    const resumed = await world().stage('paused', 'first', 'Running');
    expect(resumed.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }, { number: 2, outcome: 'Running' }]);
    expect(resumed.status?.failures).toEqual({});
  });

  test('reads what an attempt and its rollout worker said that are gone', async () => {
    const learns = { prompts: ['sums'], steps: 10, rewards: [{ accuracy: {} }] };
    await world().apply('said', {
      image: 'kwok/slow-end',
      stages: [{ name: 'first', grpo: learns, rolloutWorkers: 1 }],
    });
    await eventually('its worker runs', async () => {
      const found = await world().client.find(stages, { namespace: world().namespace, name: 'said-first' });
      return found?.status?.rolloutWorkers?.running === 1 || undefined;
    });
    await world().kubectl('patch', 'r1p', 'said', '--type=merge', '-p', '{"spec":{"suspend":true}}');
    await world().stage('said', 'first', 'Suspended');
    await eventually('its pods are gone', async () => (await world().podsOf('said')).length === 0 || undefined);

    const place = ['--kubeconfig', cluster().kubeconfig, '-n', world().namespace];
    const logs = (...args: readonly string[]) => r1(['logs', 'said/first', ...args, ...place]);
    const newest = await logs();
    expect(newest).toEqual({
      code: 0,
      stdout: expect.stringContaining('train '),
      stderr: 'r1: attempt 1, the end of the log of a pod that is gone\n',
    });
    expect(await logs('--attempt', '1', '--follow')).toEqual(newest);
    expect((await logs('--rollout', '0')).stdout).toBe(newest.stdout); // all pods here say the same
    expect((await logs('--attempt', '2')).stderr).toContain('has no pod whose log can be read');
  });

  test('has a failed stage tried again', async () => {
    await world().apply('retried', { image: 'kwok/exit-64-once', stages: row(1) });
    await world().pipeline('retried', 'Failed');
    const place = ['--kubeconfig', cluster().kubeconfig, '-n', world().namespace];
    expect((await r1(['retry', 'retried', ...place])).stdout).toBe('retried: first is tried again\n');
    await world().pipeline('retried', 'Succeeded');
    const stage = await world().stage('retried', 'first', 'Succeeded');
    expect(stage.status?.attempts).toMatchObject([{ outcome: 'Failed', class: 'userError' }, { outcome: 'Succeeded' }]);
  });

  test('has stages in two pipelines that would make objects of one name', async () => {
    const [stage] = row(1);
    await world().apply('a', { stages: [{ ...stage, name: 'b-c' }] });
    await world().apply('a-b', { stages: [{ ...stage, name: 'c' }] });
    await world().pipeline('a', 'Succeeded');
    await world().pipeline('a-b', 'Succeeded');
  });

  test('has a name of 63 characters', async () => {
    const name = 'p'.repeat(63);
    await world().apply(name, { stages: row(1) });
    await world().pipeline(name, 'Succeeded');
  });

  test('approves a gate', async () => {
    const [first, ...rest] = row(2);
    await world().apply('gated', { stages: [{ ...first, gate: { approval: true } }, ...rest] });
    const waiting = await world().pipeline('gated', 'Waiting');
    expect([reasonOf(waiting), wordsOf(waiting)]).toEqual([
      'WaitingForApproval',
      'gate of stage first: waits for approval (r1 approve gated first; on a cluster: kubectl r1 approve gated first)',
    ]);
    await world().kubectl('annotate', 'r1p', 'gated', `${annotations.approved}=first`);
    const done = await world().pipeline('gated', 'Succeeded');
    expect(done.status?.gates).toMatchObject([{ stage: 'first', action: 'Approved' }]);
    const events = await world().kubectl(
      'get',
      'events',
      '--field-selector=involvedObject.name=gated',
      '-o=jsonpath={.items[*].reason}',
    );
    expect(events.split(' ').toSorted()).toEqual(['Completed', 'GateApproved', 'GateWaiting']);
  });

  test('runs again from a stage', async () => {
    await world().apply('again', { image: 'kwok/succeed:2s' });
    await world().pipeline('again', 'Succeeded');
    const before = await world().podsOf('again');
    const former = await world().client.get(stages, { namespace: world().namespace, name: 'again-second' });
    await world().kubectl('annotate', 'r1p', 'again', `${annotations.rerunFrom}=second`);
    const granted = await eventually('the wish is granted', async () => {
      const pipeline = await world().client.get(pipelines, { namespace: world().namespace, name: 'again' });
      return pipeline.metadata.annotations?.[annotations.rerunFrom] === undefined && pipeline;
    });
    expect(granted.status?.conditions[0]?.status).toBe('Unknown'); // whoever waits for it now waits for the new end
    await world().pipeline('again', 'Succeeded');
    const [first, ...others] = before.map(({ metadata }) => metadata.uid);
    // The garbage collector may take its time with those of before.
    const after = await eventually('the pods of before are gone', async () => {
      const uids = (await world().podsOf('again')).map(({ metadata }) => metadata.uid);
      return others.every((uid) => !uids.includes(uid)) && uids;
    });
    expect([after[0], after.length]).toEqual([first, before.length]);
    // What the former run left may go, and of stages that did not run again nothing.
    const gone = await Promise.all(['first', 'second'].map((stage) => goneRunsOf(`again-${stage}-1`)));
    expect(gone).toEqual([undefined, [former.metadata.uid.slice(0, 8)]]);
  });

  test('copies an R1Stage, which gets no directory of its pipeline', async () => {
    await world().apply('original', { stages: row(1) });
    await world().pipeline('original', 'Succeeded');
    const { metadata, spec } = await world().stage('original', 'first', 'Succeeded');
    const { namespace, labels, ...more } = metadata as typeof metadata & { ownerReferences: object[] };
    for (const [name, ownerReferences] of [
      ['copied', []],
      ['copied-with-owner', more.ownerReferences],
    ] as const) {
      const copy = {
        apiVersion: 'r1.dev/v1alpha1',
        kind: 'R1Stage',
        metadata: { name, namespace, labels, ownerReferences },
      };
      await cluster().apply([{ ...copy, spec: { ...spec, storage: { claimName: 'original-volume' } } }]);
      const refused = await eventually('it is refused', async () => {
        const stage = await world().client.get(stages, { namespace, name });
        return wordsOf(stage).includes('cannot be started') && stage;
      });
      expect(wordsOf(refused)).toContain('stage first of pipeline original is R1Stage original-first already');
    }
    await world().pipeline('original', 'Succeeded');
    expect((await world().jobsOf('original')).map(({ metadata: { name } }) => name)).toEqual(['original-first-1']);
  });

  test('changes settings of a stage that has not begun, and of one that has', async () => {
    const [first, second] = row(2);
    await world().apply('changed', { image: 'kwok/succeed:3s', stages: [first, second] });
    await world().stage('changed', 'first', 'Running');
    await world().apply('changed', {
      image: 'kwok/succeed:3s',
      stages: [first, { ...second, pretrain: { data: ['sums'], steps: 20 } }],
    });
    await world().pipeline('changed', 'Succeeded');
    const stage = await world().client.get(stages, { namespace: world().namespace, name: 'changed-second' });
    expect(stage.spec.pretrain?.steps).toBe(20);

    await world().apply('changed', {
      image: 'kwok/succeed:3s',
      stages: [{ ...first, pretrain: { data: ['sums'], steps: 5 } }, second],
    });
    const refused = await world().pipeline('changed', 'Failed');
    expect(reasonOf(refused)).toBe('StageChanged');
    expect(wordsOf(refused)).toContain('stage first has finished with other settings (pretrain.steps: 10 → 5)');
  });

  test('corrects an image that cannot be pulled', async () => {
    await world().apply('unpulled', { image: 'kwok/no-image', stages: row(1) });
    const waiting = await world().stage('unpulled', 'first', 'ImageUnavailable');
    expect(wordsOf(waiting)).toContain('image kwok/no-image cannot be pulled');
    await world().apply('unpulled', { image: 'kwok/succeed', stages: row(1) });
    const done = await world().stage('unpulled', 'first', 'Succeeded');
    expect(done.status?.attempts).toMatchObject([{ outcome: 'Interrupted' }, { outcome: 'Succeeded' }]);
  });

  test('corrects the manifest of a stage that has failed', async () => {
    const defaults = { retry: { outOfMemory: 1, backoffSeconds: 0.1 } };
    await world().apply('corrected', { image: 'kwok/oom', defaults, stages: row(1) });
    const failed = await world().pipeline('corrected', 'Failed');
    expect(wordsOf(failed)).toContain('failed 2 times (outOfMemory)');
    await world().apply('corrected', { image: 'kwok/succeed', defaults, stages: row(1) });
    await world().pipeline('corrected', 'Succeeded');
    // All attempts left their traces, also those that were followed by another one at once.
    const jobs = (await world().jobsOf('corrected')).map(({ metadata }) => metadata.name);
    expect(jobs).toEqual(['corrected-first-1', 'corrected-first-2', 'corrected-first-3']);
  });

  test('deletes the pod, and then the Job of an attempt', async () => {
    await world().apply('robbed', { image: 'kwok/run', stages: row(1), defaults: { retry: { backoffSeconds: 0 } } });
    await world().stage('robbed', 'first', 'Running');
    await world().kubectl('delete', 'pod', '-l=r1.dev/pipeline=robbed', '--wait=false');
    const second = await eventually('there is a second attempt', async () => {
      const stage = await world().stage('robbed', 'first', 'Running');
      return stage.status?.attempts.length === 2 && stage;
    });
    expect(second.status?.attempts).toMatchObject([{ outcome: 'Failed', class: 'disruption' }, { outcome: 'Running' }]);
    await world().kubectl('delete', 'job', 'robbed-first-2', '--wait=false');
    const third = await eventually('there is a third attempt', async () => {
      const stage = await world().stage('robbed', 'first', 'Running');
      return stage.status?.attempts.length === 3 && stage;
    });
    expect(third.status?.attempts).toMatchObject([
      {},
      { outcome: 'Failed', class: 'disruption' },
      { outcome: 'Running' },
    ]);
  });

  test('deletes a pipeline and applies it again at once', async () => {
    await world().apply('anew', { stages: row(1) });
    await world().pipeline('anew', 'Succeeded');
    await world().kubectl('delete', 'r1p', 'anew');
    await world().apply('anew', { stages: row(1) });
    await world().pipeline('anew', 'Succeeded'); // the garbage collector looks for new kinds every half minute
  });

  test('lets a pipeline go some time after its end, with its volume or without', async () => {
    const defaults = { retry: { outOfMemory: 0 } };
    await world().apply('brief', { stages: row(1), ttlSecondsAfterFinished: 2 });
    await world().apply('kept', { stages: row(1), ttlSecondsAfterFinished: 2, storage: { retention: 'Retain' } });
    await world().apply('failed', { image: 'kwok/oom', defaults, stages: row(1), ttlSecondsAfterFailed: 2 });
    await world().apply('failed-for-good', { image: 'kwok/oom', defaults, stages: row(1), ttlSecondsAfterFinished: 1 });
    const namesGone = ['brief', 'kept', 'failed'];
    const gone = async (kind: typeof pipelines | typeof volumeClaims, name: string) =>
      (await world().client.find<object>(kind, { namespace: world().namespace, name })) === undefined;
    await eventually('they are gone', async () =>
      (await Promise.all(namesGone.map((name) => gone(pipelines, name)))).every(Boolean),
    );
    await eventually('the stages are gone', async () => (await world().jobsOf('brief')).length === 0);
    // A claim that a pod has mounted is kept until that pod is gone.
    await eventually('the volume is gone', async () => gone(volumeClaims, 'brief-volume'));
    expect(await gone(volumeClaims, 'kept-volume')).toBe(false);
    expect(await gone(volumeClaims, 'failed-volume')).toBe(false);
    const events = await world().kubectl('get', 'events', '-o=jsonpath={.items[?(@.reason=="Expired")].message}');
    expect(events).toContain(
      'is deleted: it failed 2 seconds ago (spec.ttlSecondsAfterFailed); its checkpoints stay on the claim failed-volume',
    );
    const left = await world().pipeline('failed-for-good', 'Failed');
    expect(left.status?.volumeRetained).toBe(true);
    await world().kubectl('delete', 'r1p', 'failed-for-good');
    const claim = await world().client.get(volumeClaims, {
      namespace: world().namespace,
      name: 'failed-for-good-volume',
    });
    expect(claim.metadata).not.toHaveProperty('ownerReferences');
  });
});
