import { expect, test } from '@jest/globals';
import { recordAttempts, spent } from '../../../operator/core/attempts.ts';
import { withStatus, now, timeAt, attempt } from '../../support/stages.ts';
import { ended, fresh, live } from './observed-stage.ts';

test('an attempt has run for as long as it did, though nothing is left of its pod when its end is seen', () => {
  const stage = withStatus(fresh, 'running', { attempts: [attempt(1, { startedAt: timeAt(60), gpus: 2 })] });
  const endedAt = now - 10_000;
  const gone = ended({
    startedAt: endedAt,
    endedAt,
    exit: { neverRan: true, detail: 'suspended' },
    stopping: 'suspended',
  });
  const records = recordAttempts(stage, [gone], now);
  expect(records).toMatchObject([{ outcome: 'Interrupted', startedAt: timeAt(60), endedAt: timeAt(10) }]);
  expect(spent(records, now)).toEqual({ runSeconds: 50, gpuHours: 0.028 });
});

test('an attempt that ran did so, though its pod was gone before its Job failed', () => {
  const stage = withStatus(fresh, 'running', { attempts: [attempt(1)] });
  const waits = recordAttempts(stage, [{ ...live, state: 'pending', startedAt: now }], now);
  expect(waits).toMatchObject([{ outcome: 'Pending', ranSeconds: 60 }]);
  const gone = ended({
    startedAt: now,
    endedAt: now,
    exit: { neverRan: true, noTrace: true, detail: 'its Job failed' },
  });
  const records = recordAttempts(withStatus(fresh, 'running', { attempts: waits }), [gone], now);
  expect(records).toMatchObject([
    { outcome: 'Failed', class: 'disruption', message: 'its pod was deleted: its Job failed' },
  ]);
  expect(spent(records, now).runSeconds).toBe(60);
});

test('an attempt that was never seen to run has not, when nothing is left of it', () => {
  const stage = withStatus(fresh, 'running', { attempts: [attempt(1, { outcome: 'Pending', startedAt: timeAt(60) })] });
  const gone = ended({ startedAt: now, endedAt: now, exit: { neverRan: true, detail: 'its Job was deleted' } });
  expect(spent(recordAttempts(stage, [gone], now), now).runSeconds).toBe(0);
});
