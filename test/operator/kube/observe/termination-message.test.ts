import { describe, expect, test } from '@jest/globals';
import { classifyEnd } from '../../../../operator/core/retry.ts';
import { observeAttempt } from '../../../../operator/kube/observe/observe-attempt.ts';
import {
  job,
  jobCondition,
  now,
  pod,
  resultMessage,
  terminated,
  objects,
  trainer,
} from '../../../support/attempt-objects.ts';

function checkpoint(path: string, digest = 'ab'.repeat(32)): string {
  return resultMessage({ checkpoint: { path, step: 3, digest } });
}

describe('a termination message that is no result', () => {
  test.each([
    { name: 'was cut', message: resultMessage().slice(0, 100) },
    { name: 'is not JSON', message: '{"outcome": succeeded}' },
    { name: 'is another object', message: '{"__proto__": {"outcome": "succeeded"}}' },
    { name: 'names a checkpoint of another stage', message: checkpoint('/r1/out/../pretrained/step-000003') },
    { name: 'names a checkpoint of another attempt', message: checkpoint('../attempt-2/step-000003') },
    { name: 'names the directory itself', message: checkpoint('/r1/out/8c5a1c0e/attempt-1') },
    { name: 'names a hidden directory', message: checkpoint('.cache/step-000003') },
    { name: 'names a path with control characters', message: checkpoint('step-000003\n') },
    { name: 'has a digest that is none', message: checkpoint('step-000003', 'latest') },
    { name: 'has metrics that are no numbers', message: resultMessage({ metrics: { loss: 'low' } }) },
    { name: 'has an infinite metric', message: resultMessage().replace('0.5', '1e999') },
  ])('$name', ({ message }) => {
    const given = objects({
      job: job({ status: jobCondition('Complete') }),
      pods: [{ pod: pod(trainer('Succeeded', terminated(0, message))) }],
    });
    const seen = observeAttempt(given, now);
    expect(seen.result).toBeUndefined();
    expect(classifyEnd(seen)).toMatchObject({ outcome: 'Failed', class: 'crashed' });
  });
});
