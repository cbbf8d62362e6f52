import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { attemptLabels } from '../../../../operator/kube/objects/labels.ts';
import { ProgressPoller } from '../../../../operator/kube/observe/progress.ts';
import type { Pod, Stored } from '../../../../operator/kube/client/resources.ts';
import { pod, running, terminated, trainer } from '../../../support/attempt-objects.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A cluster whose pods say what is asked of them, and when each was asked. */
function start() {
  const said = new Map<string, string>();
  const reads: { readonly name: string; readonly at: number }[] = [];
  const news: string[] = [];
  const begunAt = Date.now();
  const poller = new ProgressPoller({
    client: {
      async log(_namespace: string, name: string) {
        reads.push({ name, at: Math.round((Date.now() - begunAt) / 1000) });
        if (name === 'unreachable') throw new Error('dial tcp 10.0.0.1:10250: i/o timeout');
        return said.get(name) ?? '';
      },
    },
    onProgress: ({ metadata }) => news.push(metadata.name),
  });
  poller.start();
  return { poller, said, reads, news };
}

function trainerPod(name: string, status: Pod['status'] = trainer('Running', running())): Stored<Pod> {
  return pod(status, {
    name,
    uid: name,
    namespace: 'team',
    labels: { [attemptLabels.component]: 'trainer' },
  }) as Stored<Pod>;
}

function line(step: number): string {
  return JSON.stringify({
    type: 'progress',
    time: new Date(step * 1000).toISOString(),
    step,
    steps: 100,
    phase: 'train',
    metrics: {},
  });
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((at, index) => at - (times[index] ?? 0));
}

test('the newest line of a running trainer is found among what else it prints', async () => {
  const { poller, said, news } = start();
  said.set('a', `cut off}\n${line(1)}\n${line(2)}\n{"type":"other"}\nbye`);
  poller.see(trainerPod('a'));
  await jest.advanceTimersByTimeAsync(6000);

  expect(poller.latest('a')?.step).toBe(2);
  expect(news).toEqual(['a']);
  poller.stop();
});

test('a trainer that says nothing new is asked ever less often, one that goes on every five seconds', async () => {
  const { poller, said, reads } = start();
  poller.see(trainerPod('a'));
  await jest.advanceTimersByTimeAsync(100_000);
  const silent = reads.map(({ at }) => at);
  for (let step = 1; step <= 60; step++) {
    said.set('a', line(step));
    await jest.advanceTimersByTimeAsync(1000); // oxlint-disable-line no-await-in-loop -- time goes on
  }
  const talking = reads.slice(silent.length).map(({ at }) => at);

  expect(gaps([0, ...silent])).toEqual([5, 10, 20, 30, 30]);
  for (const gap of gaps(talking)) expect(gap).toBeLessThanOrEqual(6);
  poller.stop();
});

test('two reads a second are the most, however many trainers run, and each has its turn', async () => {
  const { poller, reads } = start();
  for (let index = 0; index < 100; index++) poller.see(trainerPod(`pod-${index}`));
  await jest.advanceTimersByTimeAsync(5000 + 50_000);

  expect(reads.length).toBeGreaterThan(95);
  expect(reads.length).toBeLessThanOrEqual(101);
  expect(new Set(reads.slice(0, 95).map(({ name }) => name)).size).toBe(95);
  poller.stop();
});

test('an ended trainer is left alone', async () => {
  const { poller, reads } = start();
  poller.see(trainerPod('a'));
  await jest.advanceTimersByTimeAsync(6000);

  poller.see(trainerPod('a', trainer('Succeeded', terminated(0))));
  await jest.advanceTimersByTimeAsync(60_000);
  expect(reads).toHaveLength(1);
  poller.stop();
});

test('a log that cannot be read is no silence', async () => {
  const { poller, reads } = start();
  poller.see(trainerPod('unreachable'));
  await jest.advanceTimersByTimeAsync(6000);
  expect(reads).toHaveLength(1);
  expect(poller.silentMs('unreachable')).toBe(0);
  poller.stop();
});

test('silence is counted on this clock alone, up to the last read, and not from before the first line was read', async () => {
  const { poller, said } = start();
  said.set('a', line(1)); // from 1970, as the clock of its node has it
  poller.see(trainerPod('a'));
  expect(poller.silentMs('a')).toBe(0);
  await jest.advanceTimersByTimeAsync(6000);
  expect(poller.silentMs('a')).toBe(0);
  jest.setSystemTime(Date.now() + 86_400_000); // the clock of this machine is corrected
  await jest.advanceTimersByTimeAsync(60_000);
  expect(poller.silentMs('a')).toBeGreaterThan(25_000);
  expect(poller.silentMs('a')).toBeLessThanOrEqual(60_000);
  said.set('a', line(2));
  await jest.advanceTimersByTimeAsync(35_000);
  expect(poller.silentMs('a')).toBeLessThanOrEqual(20_000);
  poller.stop();
});
