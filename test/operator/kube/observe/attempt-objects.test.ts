import { describe, expect, test } from '@jest/globals';
import { observeAttempt, seemsFailed } from '../../../../operator/kube/observe/observe-attempt.ts';
import { attemptLabels, gpusAnnotation } from '../../../../operator/kube/objects/labels.ts';
import type { Job, Pod, Stored } from '../../../../operator/kube/client/resources.ts';
import { attemptObjectsOf, withPods } from '../../../../operator/kube/observe/attempt-objects.ts';
import { Tombstones } from '../../../../operator/kube/observe/tombstones.ts';
import { idOf, stageIdOf } from '../../../../operator/kube/objects/ownership.ts';
import { transformJob } from '../../../../operator/kube/objects/transform.ts';
import { exitCodes } from '../../../../trainer/contract/process/exit-codes.ts';
import {
  asked,
  job,
  jobCondition,
  now,
  pod,
  resultMessage,
  running,
  secondsAgo,
  terminated,
  trainer,
} from '../../../support/attempt-objects.ts';
import { attempt as record, withStatus } from '../../../support/stages.ts';
import { stageOf } from '../../../support/stage-objects.ts';

const stage = stageOf(
  'model: {init: {}}\ndatasets: [{name: sums, generator: {task: addition}}]\npretrain: {data: [sums], steps: 3}',
);
const { uid = '' } = stage.metadata;

function labels(attempt: number, component = 'trainer') {
  return {
    [attemptLabels.stageUid]: uid,
    [attemptLabels.attempt]: String(attempt),
    [attemptLabels.component]: component,
  };
}

const jobOf = (attempt: number) => job({ name: `sums-zero-${attempt}`, labels: labels(attempt) }) as Stored<Job>;
const podOf = (attempt: number, status: Pod['status'], component?: string) =>
  pod(status, { uid: `pod-${attempt}`, labels: labels(attempt, component) }) as Stored<Pod>;

const nothing = { jobs: [], pods: [] };
const id = stageIdOf(jobOf(1));

test('an object of another namespace is of no stage here, whatever uid its labels name', () => {
  const theirs = jobOf(1);
  const foreign = { ...theirs, metadata: { ...theirs.metadata, namespace: 'elsewhere' } };
  expect(stageIdOf(theirs)).toBe(idOf({ metadata: { namespace: theirs.metadata.namespace, uid } }));
  expect(stageIdOf(foreign)).not.toBe(stageIdOf(theirs));
});

test('Jobs and pods come together by the number of their attempt', () => {
  const found = attemptObjectsOf(
    stage,
    [jobOf(2), jobOf(1)],
    [podOf(2, trainer('Running', running())), podOf(1, {})],
    nothing,
  );
  expect(found.map(({ number, directory, pods }) => [number, directory, pods.length])).toEqual([
    [1, '8c5a1c0e/attempt-1', 1],
    [2, '8c5a1c0e/attempt-2', 1],
  ]);
});

test('attempts that are recorded as ended, and rollout workers, are not looked at', () => {
  const seen = withStatus(stage, 'running', { attempts: [record(1, { outcome: 'Failed' }), record(2)] });
  const found = attemptObjectsOf(seen, [jobOf(1), jobOf(2)], [podOf(2, {}, 'rollout-worker')], nothing);
  expect(found.map(({ number, pods }) => [number, pods.length])).toEqual([[2, 0]]);
});

test('an attempt holds the GPUs that its Job was given, whatever its stage asks for by now', () => {
  const asksForMore = { ...stage, spec: { ...stage.spec, resources: { limits: { 'nvidia.com/gpu': 8 } } } };
  expect(gpusIn([withGpus(jobOf(1), 4)], asksForMore)).toEqual([4]);
  expect(gpusIn([transformJob(jobOf(1))], asksForMore)).toEqual([0]);
  expect(gpusIn([], asksForMore)).toEqual([8]);
});

test('rollout workers count as far as they run', () => {
  const workers = (ready?: number) => {
    const made = job({ name: 'sums-zero-1-rollout', labels: labels(1, 'rollout-worker') }) as Stored<Job>;
    const status = ready === undefined ? {} : { ready };
    return withGpus({ ...made, spec: { ...made.spec, completionMode: 'Indexed', template: {} }, status }, 0.5);
  };
  expect(gpusIn([withGpus(jobOf(1), 4), workers()])).toEqual([4]);
  expect(gpusIn([withGpus(jobOf(1), 4), workers(3)])).toEqual([5.5]);
});

function gpusIn(made: Stored<Job>[], of = stage): number[] {
  return attemptObjectsOf(of, made, [podOf(1, {})], nothing).map((each) => each.gpus);
}

function withGpus(made: Stored<Job>, gpus: number): Stored<Job> {
  const { metadata } = made;
  return transformJob({ ...made, metadata: { ...metadata, annotations: { [gpusAnnotation]: String(gpus) } } });
}

test('a pod that is gone with its Job still tells how it ended', () => {
  const tombstones = new Tombstones();
  tombstones.addJob(jobOf(1), now);
  tombstones.addPod(podOf(1, trainer('Succeeded', terminated(0, resultMessage()))), now);
  const [attempt] = attemptObjectsOf(stage, [], [], tombstones.get(id));
  expect(attempt && observeAttempt(attempt, now)).toMatchObject({ state: 'ended', result: { outcome: 'succeeded' } });
  tombstones.forget(id);
  expect(attemptObjectsOf(stage, [], [], tombstones.get(id))).toEqual([]);
});

test('an attempt whose Job has ended before its pod was seen only seems to have failed', () => {
  const complete = { conditions: [{ type: 'Complete', status: 'True', message: 'it is' }] };
  const [attempt] = attemptObjectsOf(stage, [{ ...jobOf(1), status: complete }], [], nothing);
  if (attempt === undefined) throw new Error('no attempt');
  expect(seemsFailed(attempt, now)).toBe(true);
  const found = withPods(attempt, [podOf(1, trainer('Succeeded', terminated(0, resultMessage())))]);
  expect(seemsFailed(found, now)).toBe(false);
  expect(observeAttempt(found, now)).toMatchObject({ state: 'ended', result: { outcome: 'succeeded' } });
});

test('a pod that is read again is not there twice', () => {
  const [attempt] = attemptObjectsOf(stage, [jobOf(1)], [podOf(1, trainer('Running', running()))], nothing);
  const found = attempt && withPods(attempt, [podOf(1, trainer('Failed', terminated(75)))]);
  expect(found?.pods.map((each) => each.pod.status?.phase)).toEqual(['Failed']);
});

const second = pod(
  trainer('Failed', terminated(exitCodes.anotherWriter, resultMessage({ outcome: 'failed', reason: 'anotherWriter' }))),
  { uid: 'second', labels: labels(1), creationTimestamp: secondsAgo(30) },
) as Stored<Pod>;

function observed(made: Stored<Job>, ...pods: Stored<Pod>[]) {
  const [found] = attemptObjectsOf(stage, [made], pods, nothing);
  return found && observeAttempt(found, now);
}

describe('of two pods of one attempt, the one that found the other at work tells nothing of the attempt', () => {
  const ended = (type: string) => ({ ...jobOf(1), status: jobCondition(type) });

  test.each([
    { name: 'goes on', state: running(), made: jobOf(1), expected: { state: 'running' } },
    {
      name: 'succeeds',
      state: terminated(0, resultMessage()),
      made: ended('Complete'),
      expected: { state: 'ended', exit: { code: 0 }, result: { outcome: 'succeeded' } },
    },
    { name: 'fails', state: terminated(64), made: ended('Failed'), expected: { state: 'ended', exit: { code: 64 } } },
  ])('that one $name', ({ state, made, expected }) => {
    const first = podOf(1, trainer(expected.state === 'running' ? 'Running' : 'Failed', state));
    expect(observed(made, first, second)).toMatchObject(expected);
  });

  test('nor does the first one, where the second has taken over from it', () => {
    const first = podOf(1, trainer('Failed', terminated(exitCodes.anotherWriter)));
    const lives = pod(trainer('Running', running()), { uid: 'second', labels: labels(1) }) as Stored<Pod>;
    expect(observed(jobOf(1), first, lives)).toMatchObject({ state: 'running' });
  });

  test('where nothing is left of the other, its own end is that of the attempt', () => {
    expect(observed(ended('Failed'), second)).toMatchObject({
      state: 'ended',
      exit: { code: exitCodes.anotherWriter },
    });
  });
});

describe('of two pods of one attempt, the one too many that its Job ended tells nothing of the attempt', () => {
  const ended = (type: string) => ({ ...jobOf(1), status: jobCondition(type) });
  const interrupted = { terminated: { exitCode: 75, startedAt: secondsAgo(50), finishedAt: secondsAgo(45) } };
  const fates: {
    readonly surplus: string;
    readonly status: NonNullable<Pod['status']>;
    readonly meta?: object;
    readonly gone?: true;
  }[] = [
    { surplus: 'still waits', status: { phase: 'Pending' } },
    { surplus: 'is asked to end before it runs', status: { phase: 'Pending' }, meta: asked },
    { surplus: 'is asked to end', status: trainer('Running', running()), meta: asked },
    { surplus: 'has ended', status: trainer('Failed', interrupted), meta: asked },
    { surplus: 'has gone before it ran', status: { phase: 'Pending' }, gone: true },
    { surplus: 'has gone', status: trainer('Running', running()), gone: true },
  ];
  const others = [
    { other: 'goes on', state: running(), made: jobOf(1), expected: { state: 'running' } },
    {
      other: 'succeeds',
      state: terminated(0, resultMessage()),
      made: ended('Complete'),
      expected: { state: 'ended', exit: { code: 0 }, result: { outcome: 'succeeded' } },
    },
    { other: 'fails', state: terminated(64), made: ended('Failed'), expected: { state: 'ended', exit: { code: 64 } } },
  ];
  const situations = fates
    .flatMap((fate) => others.map((each) => ({ ...fate, ...each })))
    .filter(({ other, surplus }) => other !== 'fails' || surplus.startsWith('has'));

  test.each(situations)('it $surplus, the other $other', ({ status, meta, gone, state, made, expected }) => {
    const phase = {
      running: 'Running',
      ended: 'exit' in expected && expected.exit.code === 0 ? 'Succeeded' : 'Failed',
    };
    const first = podOf(1, trainer(phase[expected.state as 'running' | 'ended'], state));
    const surplus = pod(status, {
      uid: 'surplus',
      labels: labels(1),
      creationTimestamp: secondsAgo(1),
      ...meta,
    }) as Stored<Pod>;
    const tombstones = new Tombstones();
    if (gone) tombstones.addPod(surplus, now - 100_000);
    const [found] = attemptObjectsOf(stage, [made], gone ? [first] : [first, surplus], tombstones.get(id));
    expect(found && observeAttempt(found, now)).toMatchObject(expected);
  });
});

test('only the last pods of a stage are remembered', () => {
  const tombstones = new Tombstones();
  for (let index = 0; index < 50; index++) tombstones.addPod(podOf(1, {}), now + index);
  const [each] = attemptObjectsOf(stage, [jobOf(1)], [], tombstones.get(id));
  expect(each?.pods.length).toBeLessThanOrEqual(10);
  expect(each?.pods.at(-1)?.goneAt).toBe(now + 49);
});
