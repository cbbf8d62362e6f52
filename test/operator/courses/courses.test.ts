import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { pipelineProblem } from '../../../operator/kube/observe/cluster-problem.ts';
import { course, slowCourse, type Course, type Happening } from './course.ts';
import { live } from './live.ts';
import { families, queuedWorkers } from './manifests.ts';
import { fairWeather } from './operator-process.ts';
import type { World } from './world.ts';

/** R1_COURSES=10000 tries others, and more of them, from R1_SEED on if that is given; those of every day are the same each day. */
const { R1_COURSES: asked, R1_SEED: from } = process.env;
const courses = Number(asked ?? 100);
const seed = from ?? (asked === undefined ? 1 : undefined);
const parameters = (share: number): fc.Parameters<[Course]> => ({
  numRuns: Math.round(courses * share),
  ...(seed === undefined ? {} : { seed: Number(seed) }),
});

test('no manifest of the courses is refused as it is', () => {
  for (const each of families.flat()) expect(pipelineProblem(each)).toBeUndefined();
});

test('whatever happens, and whenever the operator dies: no second Job, no orphan, no lie, nothing lost, nothing stuck', async () => {
  await fc.assert(
    fc.asyncProperty(course, async (each) => void (await live(each))),
    parameters(0.8),
  );
}, 36_000_000);

test('rollout workers do not outlive a learner whose pod its queue takes back', async () => {
  const happenings: readonly Happening[] = [
    { kind: 'time', seconds: 45 },
    { kind: 'queueAdmits', which: 0 },
    { kind: 'podRuns', which: 0 },
    { kind: 'podEnds', which: 0, how: 'succeeds' },
    { kind: 'queueAdmits', which: 0 },
    { kind: 'podRuns', which: 0 },
    { kind: 'queueTakesBack', which: 0 },
  ];
  await live({ ...slow(happenings), family: queuedWorkers });
});

test('what happens slowly ends as it would have in fair weather, and with an operator that never died', async () => {
  await fc.assert(fc.asyncProperty(slowCourse, endsAsInFairWeather), parameters(0.2));
}, 36_000_000);

test('nothing is made again for a stage that has failed for good, whoever looks at it', async () => {
  const happenings: readonly Happening[] = [
    { kind: 'time', seconds: 45 },
    { kind: 'podRuns', which: 0 },
    { kind: 'podEnds', which: 0, how: 'succeeds' },
    { kind: 'podRuns', which: 0 },
    { kind: 'podEnds', which: 0, how: 64 },
    { kind: 'deleteStage', which: 0 },
  ];
  await endsAsInFairWeather({ ...slow(happenings), deaths: Array.from({ length: 60 }, () => 1) });
});

async function endsAsInFairWeather(slowly: Course): Promise<void> {
  const calm = await live({ ...slowly, weather: fairWeather, deaths: [] });
  expect(endOf(await live(slowly))).toEqual(endOf(calm));
}

/** In fair weather, with time for everything to come to rest after each. */
function slow(happenings: readonly Happening[]): Course {
  return {
    family: 0,
    variant: 0,
    happenings: happenings.map((each) => ({ ...each, restSeconds: 45, justBeforeStatus: false })),
    weather: fairWeather,
    deaths: [],
    outlivesMs: 0,
    isDeleted: false,
    seed: 0,
  };
}

/** What is left, without what tells how it came to that. */
function endOf({ pipeline, ownStages }: World): unknown {
  const [whole, ...parts] = [pipeline, ...ownStages].map(({ metadata: { name }, spec: { suspend }, status }) => {
    const condition = findCondition(status?.conditions, 'Succeeded');
    return { name, suspend, succeeded: condition?.status, reason: condition?.reason };
  });
  const made = ownStages.map(({ spec, status }) => [spec.stage, status?.checkpoint?.digest]);
  return { whole, parts: Object.fromEntries(parts.map((each) => [each.name, each])), made: Object.fromEntries(made) };
}
