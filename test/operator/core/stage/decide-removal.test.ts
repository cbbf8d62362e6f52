import { expect, test } from '@jest/globals';
import { decideStage } from '../../../../operator/core/stage/decide-stage.ts';
import type { StageObserved } from '../../../../operator/core/observed.ts';
import { attempt, now, timeAt, withStatus } from '../../../support/stages.ts';
import { checkpoint, ended, fresh, live, result } from '../observed-stage.ts';

const outlived = [{ attempt: 1, isOutlived: true }];
const going = [{ attempt: 1, isOutlived: false }];
const unended = [{ attempt: 1, isOutlived: false, isUnended: true as const }];
const remove = { kind: 'RemoveAttempt', attempt: 1 };
const removeSoon = { ...remove, graceSeconds: 10 };
const failed = withStatus(fresh, 'running', {
  attempts: [attempt(1, { outcome: 'Failed', class: 'infrastructure', endedAt: timeAt(3600) })],
});
const second = withStatus(fresh, 'running', { attempts: [...(failed.status?.attempts ?? []), attempt(2)] });
const success = ended({ result: { ...result, checkpoint }, exit: { code: 0 } });

const cases: readonly {
  readonly name: string;
  readonly given: Partial<StageObserved>;
  readonly actions: readonly object[];
}[] = [
  { name: 'an attempt that runs is left alone', given: { attempts: [live], leftovers: going }, actions: [] },
  {
    name: 'a process beside a trainer whose end is not known is left alone',
    given: { attempts: [live], leftovers: outlived },
    actions: [],
  },
  {
    name: 'a process beside a trainer that has succeeded is removed',
    given: { attempts: [success], leftovers: outlived },
    actions: [removeSoon],
  },
  {
    name: 'it is removed also when the end was recorded before',
    given: { stage: withStatus(fresh, 'succeeded'), leftovers: outlived },
    actions: [removeSoon],
  },
  {
    name: 'a pod that is about to end by itself is left alone',
    given: { attempts: [success], leftovers: going },
    actions: [],
  },
  {
    name: 'an attempt whose node is lost is removed before another one starts',
    given: { stage: failed, leftovers: going },
    actions: [remove, { kind: 'StartAttempt', attempt: 2 }],
  },
  {
    name: 'an attempt whose node is lost is left alone while nothing starts',
    given: { stage: { ...failed, spec: { ...failed.spec, suspend: true } }, leftovers: going },
    actions: [],
  },
  {
    name: 'an attempt that is there again after its end was recorded is removed, beside the one that runs by now',
    given: { stage: second, attempts: [{ ...live, number: 2 }], leftovers: unended },
    actions: [remove],
  },
  {
    name: 'it is removed beside a success',
    given: { stage: withStatus(fresh, 'succeeded'), leftovers: unended },
    actions: [remove],
  },
  {
    name: 'an attempt that has just begun is left alone',
    given: { attempts: [live], leftovers: unended },
    actions: [],
  },
];

test.each(cases)('$name', ({ given, actions }) => {
  expect(decideStage({ now, stage: fresh, attempts: [], ...given }).actions).toEqual(actions);
});
