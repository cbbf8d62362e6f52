import { expect, test } from '@jest/globals';
import { claimsOf } from './auditor/claims.ts';
import { Ledger } from './auditor/ledger.ts';
import type { Job, Pipeline, Pod, Snapshot, Stage } from './auditor/objects.ts';

const digest = 'ab'.repeat(32);
const labels = { 'r1.dev/stage-uid': 's1', 'r1.dev/attempt': '1', 'app.kubernetes.io/component': 'trainer' };
const meta = (name: string, uid: string, kind = '', owner = '') => ({
  name,
  uid,
  resourceVersion: '1',
  ownerReferences: kind === '' ? [] : [{ kind, uid: owner }],
});

const pipeline: Pipeline = {
  metadata: meta('sums', 'p1'),
  spec: { stages: [{ name: 'zero' }] },
  status: {
    conditions: [{ type: 'Succeeded', status: 'Unknown' }],
    stages: [{ name: 'zero', state: 'Running' }],
    display: { state: 'Running', progress: '0/1' },
  },
};
const stage: Stage = {
  metadata: meta('sums-zero', 's1', 'R1Pipeline', 'p1'),
  spec: { stage: 'zero' },
  status: { attempts: [{ number: 1, outcome: 'Running' }], display: { state: 'Running' } },
};
const job: Job = { metadata: { ...meta('sums-zero-1', 'j1', 'R1Stage', 's1'), labels }, status: {} };
const podIn = (state: object, uid = 'a'): Pod => ({
  metadata: { ...meta(`sums-zero-1-${uid}`, uid, 'Job', 'j1'), labels },
  status: { phase: 'Running', containerStatuses: [{ name: 'trainer', state }] },
});
const running = podIn({ running: {} });
const surplus = podIn({ running: {} }, 'b');
const ofSecondAttempt: Pod = {
  ...surplus,
  metadata: { ...surplus.metadata, labels: { ...labels, 'r1.dev/attempt': '2' } },
};
const message = JSON.stringify({ outcome: 'succeeded', checkpoint: { digest } });
const done = podIn({ terminated: { exitCode: 0, message } });
const honest: Snapshot = { pipelines: [pipeline], stages: [stage], jobs: [job], pods: [running] };

const succeeded: Snapshot = {
  ...honest,
  pods: [done],
  stages: [
    {
      ...stage,
      status: {
        attempts: [{ number: 1, outcome: 'Succeeded' }],
        checkpoint: { digest },
        display: { state: 'Succeeded' },
      },
    },
  ],
  pipelines: [
    {
      ...pipeline,
      status: { stages: [{ name: 'zero', state: 'Succeeded' }], display: { state: 'Succeeded', progress: '1/1' } },
    },
  ],
};

test.each([
  ['an attempt runs', honest],
  ['all has succeeded', succeeded],
])('the auditor has nothing to say where %s, and statuses say so', (_, snapshot) => {
  expect(claimsOf(snapshot)).toEqual([]);
});

const withStage = (status: Stage['status']): Stage[] => [{ ...stage, ...(status && { status }) }];

test.each<[name: string, snapshot: Snapshot, kinds: string[]]>([
  ['two trainers of one attempt', { ...honest, pods: [running, surplus] }, ['surplus pod']],
  ['trainers of two attempts', { ...honest, pods: [running, ofSecondAttempt] }, ['duplicate']],
  ['a stage that is said to run without a pod', { ...honest, pods: [] }, ['wrong state', 'missed transition']],
  ['an end that nobody told', { ...honest, pods: [done] }, ['wrong state', 'missed transition', 'wrong checkpoint']],
  [
    'a checkpoint that no trainer named',
    { ...succeeded, stages: withStage({ ...succeeded.stages[0]?.status, checkpoint: { digest: 'cd' } }) },
    ['wrong checkpoint'],
  ],
  [
    'an attempt that never was',
    {
      ...honest,
      stages: withStage({
        ...stage.status,
        attempts: [...(stage.status?.attempts ?? []), { number: 2, outcome: 'Failed' }],
      }),
    },
    ['missed transition'],
  ],
  ['a Job whose stage is gone', { ...honest, pipelines: [], stages: [] }, ['orphan']],
  ['a stage and all that is below it without its pipeline', { ...honest, pipelines: [] }, ['orphan']],
  [
    'rollout workers whose learner has ended',
    {
      ...succeeded,
      jobs: [
        job,
        {
          metadata: {
            ...job.metadata,
            name: 'workers',
            uid: 'j2',
            labels: { ...labels, 'app.kubernetes.io/component': 'rollout-worker' },
          },
        },
      ],
    },
    ['orphan'],
  ],
  [
    'a pipeline that says something else than its stages',
    { ...succeeded, pipelines: [pipeline] },
    ['wrong state', 'wrong state', 'wrong state'],
  ],
])('the auditor sees %s', (_, snapshot, kinds) => {
  expect(claimsOf(snapshot).map(({ kind }) => kind)).toEqual(kinds);
});

test('what differs counts once it has for longer than it may, in time in which the API server answered', () => {
  const ledger = new Ledger();
  const wrong = { ...honest, pods: [] };
  const at = (second: number, snapshot: Snapshot): void => ledger.add(snapshot, second * 1000);
  for (let second = 0; second < 110; second++) at(second, wrong);
  at(110, honest);
  for (let second = 111; second < 220; second++) at(second, wrong);
  at(3600, wrong); // it was away for an hour
  expect(ledger.report().faults).toEqual([]);
  for (let second = 3601; second < 3630; second++) at(second, wrong);
  expect(ledger.report().faults).toEqual([
    expect.stringMatching(/^wrong state, for 120 s: stage sums-zero s1: says Running/),
    expect.stringMatching(/^missed transition, for 120 s: stage sums-zero s1: attempt 1 is pending/),
  ]);
});

test('a second Job for an attempt is a fault at once, also after the first is gone', () => {
  const ledger = new Ledger();
  ledger.add(honest, 0);
  ledger.add({ ...honest, jobs: [], pods: [] }, 1000);
  ledger.add({ ...honest, jobs: [{ ...job, metadata: { ...job.metadata, uid: 'j2' } }], pods: [] }, 2000);
  expect(ledger.report().faults).toEqual([expect.stringMatching(/^duplicate, for 0 s: Job sums-zero-1 of s1\/1/)]);
});

test('a pipeline of which nothing changes for minutes is stuck, unless it has ended', () => {
  const ledger = new Ledger();
  for (let second = 0; second < 370; second++) ledger.add({ ...honest, pods: [] }, second * 1000);
  expect(ledger.report().faults).toContainEqual(expect.stringMatching(/^stuck, for 300 s: pipeline sums p1/));
});

test('a pipeline whose trainer runs for long is not stuck', () => {
  const ledger = new Ledger();
  for (let second = 0; second < 370; second++) ledger.add(honest, second * 1000);
  expect(ledger.report().faults).toEqual([]);
});
