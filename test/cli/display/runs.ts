import { type AttemptRecord, r1Stage, type StageStatus } from '../../../operator/api/resources/stage.ts';
import { r1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { RunState } from '../../../cli/display/run-state.ts';

const apiVersion = 'r1.dev/v1alpha1';

export const startMs = Date.parse('2026-03-01T09:00:00Z');

export interface StageFacts {
  readonly state: 'Running' | 'Succeeded' | 'Failed' | 'Retrying';
  readonly attempts?: readonly Partial<AttemptRecord>[];
  readonly progress?: Partial<NonNullable<StageStatus['progress']>>;
  readonly metrics?: Record<string, number>;
  readonly message?: string;
  readonly warnings?: StageStatus['warnings'];
}

const conditionOf = { Running: 'Unknown', Retrying: 'Unknown', Succeeded: 'True', Failed: 'False' } as const;

/** A run of `pretrained` and `r1-zero`; a stage without facts has not begun. */
export function runOf(
  facts: { readonly [stage in 'pretrained' | 'r1-zero']?: StageFacts },
  gates: unknown[] = [],
  listed: readonly { readonly name: string; readonly state: string; readonly message: string }[] = [],
): RunState {
  const settings = {
    pretrained: { pretrain: { data: ['mixture'], steps: 100 } },
    'r1-zero': { grpo: { prompts: ['sums'], steps: 20, rewards: [{ accuracy: {} }] } },
  };
  const pipeline = r1Pipeline.parse({
    apiVersion,
    kind: 'R1Pipeline',
    metadata: { name: 'r1-tiny' },
    spec: {
      stages: [
        { name: 'pretrained', model: { init: {} }, ...settings.pretrained },
        { name: 'r1-zero', model: { from: 'pretrained' }, ...settings['r1-zero'] },
      ],
    },
    status: {
      startedAt: new Date(startMs).toISOString(),
      gates,
      stages: listed.map((each) => ({ type: 'any', ...each })),
    },
  });
  const stages = Object.entries(facts).map(
    ([stage, { state, attempts = [{}], progress, metrics = {}, message = '', warnings }]) =>
      r1Stage.parse({
        apiVersion,
        kind: 'R1Stage',
        metadata: { name: `r1-tiny-${stage}` },
        spec: { pipeline: 'r1-tiny', stage, ...settings[stage as keyof typeof settings] },
        status: {
          conditions: [
            {
              type: 'Succeeded',
              status: conditionOf[state],
              reason: 'Any',
              message,
              lastTransitionTime: new Date(startMs).toISOString(),
            },
          ],
          display: {
            ...Object.fromEntries(
              ['type', 'step', 'progress', 'reward', 'loss', 'passAt1', 'kl', 'node', 'checkpoint', 'warnings'].map(
                (key) => [key, ''],
              ),
            ),
            state,
            attempt: attempts.length,
            message,
          },
          attempts: attempts.map((attempt, index) => ({
            number: index + 1,
            outcome: state === 'Succeeded' ? 'Succeeded' : 'Running',
            message: '',
            startedAt: new Date(startMs).toISOString(),
            ...attempt,
          })),
          ...(progress && {
            progress: {
              type: 'progress',
              time: new Date(startMs).toISOString(),
              step: 0,
              steps: 100,
              phase: 'train',
              metrics: {},
              ...progress,
            },
          }),
          ...(state === 'Succeeded' && { checkpoint: { path: 'step-000100', step: 100, digest: 'd'.repeat(64) } }),
          metrics,
          ...(warnings && { warnings }),
        },
      }),
  );
  return { pipeline, stages };
}

export function after(seconds: number): number {
  return startMs + seconds * 1000;
}
