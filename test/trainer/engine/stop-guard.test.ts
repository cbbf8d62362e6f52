import { expect, test } from '@jest/globals';
import { InterruptedError } from '../../../trainer/contract/process/errors.ts';
import { StopGuard } from '../../../trainer/engine/stop-guard.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

function guarded() {
  const stop = new AbortController();
  const happened: string[] = [];
  return { stop, happened, guard: new StopGuard(stop.signal, () => happened.push('abandoned')) };
}

test('work that a stop must not cut short is finished before the stop is heeded', async () => {
  const { stop, happened, guard } = guarded();
  await guard.whole(async () => {
    stop.abort();
    await Promise.resolve();
    happened.push('finished');
  });
  expect(happened).toEqual(['finished', 'abandoned']);
  await expect(guard.orStop(Promise.resolve(1))).rejects.toThrow(new InterruptedError('asked to stop'));
});

test('no such work begins after a stop', async () => {
  const { stop, happened, guard } = guarded();
  stop.abort();
  await expect(guard.whole(async () => void happened.push('begun'))).rejects.toThrow(InterruptedError);
  expect(happened).toEqual(['abandoned']);
});

test('a stop is not waited for by work that has a result, and ends work that has none', async () => {
  const { stop, guard } = guarded();
  await expect(guard.orStop(Promise.resolve('result'))).resolves.toBe('result');
  const endless = guard.orStop(new Promise(() => {}));
  stop.abort();
  await expect(endless).rejects.toThrow(InterruptedError);
});

test('nothing is kept of work that has ended', async () => {
  const { guard } = guarded();
  const results = await Promise.all(
    Array.from({ length: 20 }, async () => new WeakRef(await guard.orStop(Promise.resolve({ large: true })))),
  );
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(results.filter((result) => result.deref() !== undefined)).toEqual([]);
});

test('a closed engine hears of no stop', () => {
  const { stop, happened, guard } = guarded();
  guard.close();
  stop.abort();
  expect(happened).toEqual([]);
});
