import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  attemptDirectory,
  attemptName,
  learnerServiceName,
  rolloutJobName,
  secondStageObjectName,
  stageObjectName,
} from '../../../operator/core/names.ts';

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const long = `${'a'.repeat(40)}-${'b'.repeat(40)}`;

test.each([
  { stage: 'r1-tiny-sft', attempt: 2, name: 'r1-tiny-sft-2' },
  { stage: 'a'.repeat(48), attempt: 1, name: `${'a'.repeat(48)}-1` },
  { stage: long, attempt: 1, name: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-83080e83-1' },
  { stage: long, attempt: 12, name: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-83080e83-12' },
  { stage: 'a.b', attempt: 1, name: 'a-b-12734df7-1' },
])('attempt $attempt of $stage is $name', ({ stage, attempt, name }) => {
  expect(attemptName(stage, attempt)).toBe(name);
});

test('names of an attempt, and of the hosts of its rollout workers, are DNS labels', () => {
  for (const stage of [long, 'a', `${'a'.repeat(40)}-${'-'.repeat(10)}b`, 'x.'.repeat(120) + 'y']) {
    for (const attempt of [1, 99, 12345]) {
      const name = attemptName(stage, attempt);
      expect(name.length).toBeLessThanOrEqual(50);
      for (const each of [name, `${rolloutJobName(stage, attempt)}-1023`]) {
        expect(each).toMatch(label);
        expect(each.length).toBeLessThanOrEqual(63);
      }
    }
  }
});

test('stages of two pipelines that would make objects of one name have second ones', () => {
  expect(stageObjectName('a', 'b-c')).toBe(stageObjectName('a-b', 'c'));
  const seconds = [secondStageObjectName('a', 'b-c'), secondStageObjectName('a-b', 'c')];
  expect(new Set([...seconds, 'a-b-c']).size).toBe(3);
  for (const each of seconds) expect(each).toMatch(/^a-b-c-[0-9a-f]{8}$/);
});

/** Names of up to 63 characters, most of which begin alike and look like what is made of names. */
const anyName = fc
  .tuple(fc.constantFrom('', 'a', 'a'.repeat(55), `${'b-'.repeat(24)}c`), fc.stringMatching(/^[a1-]{0,7}[a1]$/))
  .map(([start, end]) => `${start}${end}`.replace(/^-+/, ''));
const anyAttempt = fc.record({ pipeline: anyName, stage: anyName, number: fc.constantFrom(1, 2, 11, 99_999) });

test('no names that pipelines and stages may have make two attempts share one, or a name that is too long', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyAttempt, { minLength: 2, maxLength: 20, selector: (each) => JSON.stringify(each) }),
      (all) => {
        // Stages of one object's name are told apart where the object is made.
        const stages = new Map(
          all.map((each) => [`${stageObjectName(each.pipeline, each.stage)} ${each.number}`, each]),
        );
        const made = [...stages.values()].flatMap(({ pipeline, stage, number }) => {
          const object = stageObjectName(pipeline, stage);
          return [attemptName(object, number), rolloutJobName(object, number)];
        });
        expect(new Set(made).size).toBe(made.length);
        for (const { pipeline, stage, number } of stages.values()) {
          const object = stageObjectName(pipeline, stage);
          const host = `${rolloutJobName(object, number)}-1023`;
          const hash = '-0a1b2c3d';
          for (const each of [host, learnerServiceName(object, number), `${attemptName(object, number)}${hash}`]) {
            expect(each).toMatch(label);
            expect(each.length).toBeLessThanOrEqual(63);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('long names of different stages differ', () => {
  const names = ['1', '2', '3'].map((end) => attemptName(long + end, 1));
  expect(new Set(names).size).toBe(3);
});

test("a Service's name begins with a letter", () => {
  expect(learnerServiceName('7b-zero', 1)).toBe('r1-7b-zero-1');
  expect(learnerServiceName('zero', 1)).toBe('zero-1');
});

test('each attempt of each incarnation of a stage has a directory of its own', () => {
  expect(attemptDirectory('0a1b2c3d-4e5f-6789-abcd-ef0123456789', 3)).toBe('0a1b2c3d/attempt-3');
});
