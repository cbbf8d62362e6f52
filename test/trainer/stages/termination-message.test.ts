import { expect, test } from '@jest/globals';
import { type StageResult, stageResult } from '../../../trainer/contract/files/progress.ts';
import { terminationMessage } from '../../../trainer/stages/termination-message.ts';

const result: StageResult = {
  outcome: 'succeeded',
  reason: 'succeeded',
  message: '200 steps',
  checkpoint: { path: '/r1/out/0badcafe/attempt-1/step-000200', step: 200, digest: 'a'.repeat(64) },
  metrics: { loss: 0.5, reward: 1 / 3 },
};

test('a result that fits is passed on whole', () => {
  expect(JSON.parse(terminationMessage(result))).toEqual(result);
});

test('of too many metrics those that people watch stay, then those of the evaluation', () => {
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`rewards/number-${at}/mean`, at / 7]));
  const metrics = { ...many, 'eval/sums/pass@1': 0.25, ...result.metrics };
  const kept = read(terminationMessage({ ...result, metrics }));
  expect(kept).toMatchObject(result);
  expect(Object.keys(kept.metrics).slice(0, 4)).toEqual([
    'loss',
    'reward',
    'eval/sums/pass@1',
    'rewards/number-0/mean',
  ]);
});

test('warnings stay, beside the longest message and path', () => {
  const warnings = Array.from({ length: 6 }, (_, at) => ({ reason: `Reason${at}`, message: '\u{1f642}'.repeat(150) }));
  const path = `/r1/out/${'p'.repeat(150)}`;
  const full = {
    ...result,
    message: 'm'.repeat(2000),
    checkpoint: { path, step: 1, digest: 'a'.repeat(64) },
    warnings,
  };
  const kept = read(terminationMessage(full));
  expect(kept.warnings?.map(({ reason }) => reason)).toEqual(warnings.map(({ reason }) => reason));
  expect(kept.checkpoint).toEqual(full.checkpoint);
});

test.each([
  { name: 'two bytes a character', message: 'ü'.repeat(2000) },
  { name: 'surrogate pairs', message: '🙂'.repeat(1000) },
  { name: 'control characters', message: '\u0001'.repeat(2000) },
  { name: 'half a pair', message: '\ud800'.repeat(2000) },
])('a message of $name is shortened where a character ends', ({ message }) => {
  const kept = read(terminationMessage({ ...result, message }));
  expect(message.startsWith(kept.message.slice(0, -1))).toBe(true);
  expect(kept.message.length).toBeGreaterThan(200);
  expect(kept).toMatchObject({ checkpoint: result.checkpoint, metrics: result.metrics });
});

function read(text: string): StageResult {
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
  return stageResult.parse(JSON.parse(text));
}
