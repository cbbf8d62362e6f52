import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import type { AttemptObserved } from '../../../operator/core/observed.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, now, withStatus } from '../../support/stages.ts';

export const fresh = created(pipelineOf(fourStages), [], 'pretrained');
export const spec = (more: Partial<R1Stage['spec']>): R1Stage => ({ ...fresh, spec: { ...fresh.spec, ...more } });
export const live: AttemptObserved = {
  number: 1,
  state: 'running',
  startedAt: now - 60_000,
  gpus: 2,
  silentMs: 60_000,
};
export const result = { outcome: 'succeeded' as const, reason: 'succeeded', message: 'done', metrics: { reward: 1 } };
export const checkpoint = { path: 'step-000003', step: 3, digest: 'a'.repeat(64) };
export const ended = (more: Partial<AttemptObserved>): AttemptObserved => ({
  ...live,
  state: 'ended',
  endedAt: now - 5000,
  ...more,
});
export const done = withStatus(fresh, 'succeeded');
export const start = (number: number) => ({ kind: 'StartAttempt', attempt: number });
export const stop = (reason: string) => ({ kind: 'StopAttempt', attempt: 1, reason });
