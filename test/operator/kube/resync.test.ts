import { expect, test } from '@jest/globals';
import { Resync } from '../../../operator/kube/resync.ts';
import { ManualClock } from '../../support/manual-clock.ts';

test('every object that there is by then is looked at once in each period, at a time of its own', async () => {
  const clock = new ManualClock();
  const objects = ['team/a'];
  const planned: [key: string, ms: number][] = [];
  const random = [0, 0.5, 0.25][Symbol.iterator]();
  const resync = new Resync({
    keys: () => objects,
    enqueueAfter: (key, ms) => planned.push([key, ms]),
    clock,
    periodMs: 1000,
    random: () => random.next().value ?? 0,
  });
  resync.start();
  await clock.pass(999);
  expect(planned).toEqual([]);
  await clock.pass(1);
  objects.push('team/b');
  await clock.pass(1000);
  expect(planned).toEqual([
    ['team/a', 0],
    ['team/a', 500],
    ['team/b', 250],
  ]);
  resync.stop();
  await clock.pass(5000);
  expect(planned).toHaveLength(3);
});
