import * as fc from 'fast-check';
import { resultOf } from '../../../operator/kube/observe/termination-message.ts';
import { parseProgress } from '../../../operator/local/log-follower.ts';
import { damagedJsonFile } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const progress = {
  type: 'progress',
  time: '2026-01-02T03:04:05.678Z',
  step: 3,
  steps: 10,
  phase: 'train',
  metrics: { loss: 0.5, reward: 1 },
  secondsLeft: 12.5,
};

const result = {
  outcome: 'succeeded',
  reason: 'succeeded',
  message: '10 steps',
  checkpoint: { path: '/r1/out/8c5a1c0e/attempt-1/step-000010', step: 10, digest: 'a'.repeat(64) },
  metrics: { loss: 0.5 },
};

/** What a container prints, which need not be our trainer. */
export const progressLines: FuzzTarget = {
  name: 'progress line',
  mostMiB: 400,
  inputs: () => fc.oneof(damagedJsonFile([progress]), fc.uint8Array({ maxLength: 100 })),
  async open() {
    return { read: (input) => parseProgress(Buffer.from(input).toString()) };
  },
};

export const terminationMessage: FuzzTarget = {
  name: 'termination message',
  mostMiB: 400,
  inputs: () => fc.oneof(damagedJsonFile([result]), fc.uint8Array({ maxLength: 100 })),
  async open() {
    return {
      read(input) {
        const read = resultOf(Buffer.from(input).toString(), '8c5a1c0e/attempt-1');
        const path = read?.checkpoint?.path ?? 'step';
        if (path.startsWith('/') || path.split('/').includes('..'))
          throw new Error(`a path out of the attempt: ${path}`);
      },
    };
  },
};
