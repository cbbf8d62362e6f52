import { expect, test } from '@jest/globals';
import { versioned } from '../../../../trainer/contract/settings/digest-version.ts';
import { decideRollout, type RolloutAction } from '../../../../operator/core/stage/decide-rollout.ts';
import type { StageStatus } from '../../../../operator/api/resources/stage.ts';
import { attemptDigest } from '../../../../operator/core/settings-digest.ts';
import { decideStage } from '../../../../operator/core/stage/decide-stage.ts';
import { surveyStage } from '../../../../operator/core/stage/stage-situation.ts';
import type { StageObserved } from '../../../../operator/core/observed.ts';
import { fresh, live, spec } from '../observed-stage.ts';
import { attempt, now, withStatus } from '../../../support/stages.ts';

const asks = (rolloutWorkers: number) => spec({ rolloutWorkers });
const two = [{ attempt: 1, workers: 2, running: 1 }];

const cases: readonly { name: string; given: Partial<StageObserved>; actions: readonly RolloutAction[] }[] = [
  {
    name: 'an attempt that runs gets them',
    given: { stage: asks(2), attempts: [live], rollouts: [] },
    actions: [{ kind: 'StartRolloutWorkers', attempt: 1 }],
  },
  {
    name: 'an attempt that waits gets none, so that they take no GPU from it',
    given: { stage: asks(2), attempts: [{ ...live, state: 'pending' }], rollouts: [] },
    actions: [],
  },
  {
    name: 'those of an attempt that waits again, as a queue took its pod, are taken back',
    given: { stage: asks(2), attempts: [{ ...live, state: 'pending' }], rollouts: two },
    actions: [{ kind: 'WithdrawRolloutWorkers', attempt: 1 }],
  },
  {
    name: 'an attempt that was asked to end gets none',
    given: { stage: asks(2), attempts: [{ ...live, stopping: 'hung' }], rollouts: [] },
    actions: [],
  },
  {
    name: 'an attempt of other settings gets none',
    given: { stage: asks(2), attempts: [{ ...live, madeFrom: versioned('other') }], rollouts: [] },
    actions: [],
  },
  {
    name: 'an attempt that began with more gets as many as are asked for now',
    given: { stage: asks(2), attempts: [{ ...live, madeFrom: attemptDigest(asks(4).spec) }], rollouts: [] },
    actions: [{ kind: 'StartRolloutWorkers', attempt: 1 }],
  },
  {
    name: 'an attempt that began without any, and so listens to nobody, gets none',
    given: { stage: asks(2), attempts: [{ ...live, madeFrom: attemptDigest(fresh.spec) }], rollouts: [] },
    actions: [],
  },
  {
    name: 'none of them stays where none is asked for any more',
    given: { stage: fresh, attempts: [{ ...live, madeFrom: attemptDigest(asks(2).spec) }], rollouts: two },
    actions: [{ kind: 'ResizeRolloutWorkers', attempt: 1, workers: 0 }],
  },
  {
    name: 'a stage that asks for none gets none',
    given: { stage: fresh, attempts: [live], rollouts: [] },
    actions: [],
  },
  {
    name: 'they become as many as are asked for',
    given: { stage: asks(3), attempts: [live], rollouts: two },
    actions: [{ kind: 'ResizeRolloutWorkers', attempt: 1, workers: 3 }],
  },
  {
    name: 'those that wait, and were made with other defaults, are made anew',
    given: {
      stage: asks(2),
      attempts: [live],
      rollouts: [{ attempt: 1, workers: 2, running: 0, hasOtherDefaults: true }],
    },
    actions: [{ kind: 'WithdrawRolloutWorkers', attempt: 1 }],
  },
  {
    name: 'those that run are left alone, whatever they were made with',
    given: { stage: asks(2), attempts: [live], rollouts: [{ ...two[0]!, hasOtherDefaults: true }] },
    actions: [],
  },
  { name: 'enough of them are left alone', given: { stage: asks(2), attempts: [live], rollouts: two }, actions: [] },
  {
    name: 'those of an attempt that has ended are ended',
    given: {
      stage: withStatus(asks(2), 'running', { attempts: [attempt(1, { outcome: 'Failed' })] }),
      attempts: [],
      rollouts: two,
    },
    actions: [{ kind: 'EndRolloutWorkers', attempt: 1 }],
  },
  {
    name: 'those that were refused are not asked for again before their time',
    given: { stage: asks(2), attempts: [live], rollouts: [], rolloutRefusal: { message: 'quota', until: now + 1 } },
    actions: [],
  },
  {
    name: 'those that were refused are asked for again then',
    given: { stage: asks(2), attempts: [live], rollouts: [], rolloutRefusal: { message: 'quota', until: now } },
    actions: [{ kind: 'StartRolloutWorkers', attempt: 1 }],
  },
  {
    name: 'where they come with their attempt nothing is decided',
    given: { stage: asks(2), attempts: [live] },
    actions: [],
  },
];

test.each<{
  name: string;
  given: Partial<StageObserved>;
  says: StageStatus['rolloutWorkers'];
  workers?: string;
  message: string;
}>([
  {
    name: 'how many run of those that are asked for',
    given: { stage: asks(2), attempts: [live], rollouts: two },
    says: { asked: 2, running: 1 },
    workers: '1/2',
    message: 'attempt 1 runs',
  },
  {
    name: 'that those of an earlier attempt are none of this one',
    given: { stage: asks(2), attempts: [live], rollouts: [{ attempt: 3, workers: 2, running: 2 }] },
    says: { asked: 2, running: 0 },
    workers: '0/2',
    message: 'attempt 1 runs',
  },
  {
    name: 'why there are none',
    given: {
      stage: asks(2),
      attempts: [live],
      rollouts: [],
      rolloutRefusal: { message: 'exceeded quota', until: now + 1 },
    },
    says: { asked: 2, running: 0, message: 'exceeded quota' },
    workers: '0/2',
    message: 'attempt 1 runs; without rollout workers: exceeded quota',
  },
  {
    name: 'why there are fewer than are asked for',
    given: {
      stage: asks(2),
      attempts: [live],
      rollouts: [{ attempt: 1, workers: 2, running: 1, waiting: 'FailedCreate: exceeded quota' }],
    },
    says: { asked: 2, running: 1, message: 'FailedCreate: exceeded quota' },
    workers: '1/2',
    message: 'attempt 1 runs; 1 of 2 rollout workers: FailedCreate: exceeded quota',
  },
  {
    name: 'why an attempt that began without any has none',
    given: { stage: asks(2), attempts: [{ ...live, madeFrom: attemptDigest(fresh.spec) }], rollouts: [] },
    says: {
      asked: 2,
      running: 0,
      message: 'attempt 1 began without any, or with other settings; the next one has them',
    },
    workers: '0/2',
    message:
      'attempt 1 runs; without rollout workers: attempt 1 began without any, or with other settings; the next one has them',
  },
  {
    name: 'nothing where none are asked for',
    given: { stage: fresh, attempts: [live], rollouts: [] },
    says: undefined,
    message: 'attempt 1 runs',
  },
  {
    name: 'nothing where they come with their attempt',
    given: { stage: asks(2), attempts: [live] },
    says: undefined,
    message: 'attempt 1 runs',
  },
  {
    name: 'nothing of an attempt that has ended',
    given: { stage: asks(2), attempts: [{ ...live, state: 'ended', endedAt: now, exit: { code: 64 } }], rollouts: two },
    says: undefined,
    message: 'exit code 64',
  },
])('the status says of rollout workers $name', ({ given, says, workers, message }) => {
  const { status } = decideStage({ now, stage: fresh, attempts: [], ...given });
  expect(status.rolloutWorkers).toEqual(says);
  expect(status.display?.workers).toBe(workers);
  expect(status.display?.message).toContain(message);
});

test.each(cases)('of rollout workers, $name', ({ given, actions }) => {
  const observed = { now, stage: fresh, attempts: [], ...given };
  expect(decideRollout(observed, surveyStage(observed).records)).toEqual(actions);
});
