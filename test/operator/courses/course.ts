import * as fc from 'fast-check';
import { variantOf, which, type Wish } from '../../support/wishes.ts';
import type { PodEnd } from './cluster.ts';
import { families } from './manifests.ts';
import { fairWeather, type Weather } from './operator-process.ts';

/** What people, pods and time do to a pipeline. `which` chooses among those that there are. */
export type Happening =
  | { readonly kind: 'time'; readonly seconds: number }
  | { readonly kind: 'podRuns'; readonly which: number }
  | { readonly kind: 'podEnds'; readonly which: number; readonly how: PodEnd }
  /** The node of a pod that runs says nothing any more; its pod is deleted, and nobody knows whether it runs. */
  | { readonly kind: 'nodeIsLost'; readonly which: number }
  /** It says what became of the pod meanwhile, or is known to be gone for good. */
  | { readonly kind: 'nodeReturns'; readonly which: number; readonly how: 'succeeds' | 'killed' | 'vanishes' }
  /** A queueing system lets a Job have its pods, or takes them away again. */
  | { readonly kind: 'queueAdmits'; readonly which: number }
  | { readonly kind: 'queueTakesBack'; readonly which: number }
  | Wish
  | { readonly kind: 'deleteStage'; readonly which: number }
  | { readonly kind: 'editStage'; readonly which: number; readonly seed: number }
  | { readonly kind: 'copyStage'; readonly which: number }
  | { readonly kind: 'deleteCopies' }
  /** The pipeline is deleted, and one of its name applied before anything has followed it. */
  | { readonly kind: 'replacePipeline'; readonly variant: number };

export interface Course {
  readonly family: number;
  readonly variant: number;
  readonly happenings: readonly (Happening & {
    /** Seconds that go by afterwards. */
    readonly restSeconds: number;
    /** It comes in the moment before the operator's next write of a status. */
    readonly justBeforeStatus: boolean;
  })[];
  readonly weather: Weather;
  /** The first process dies after so many writes, the next after so many, and so on; then one lives for ever. */
  readonly deaths: readonly number[];
  /** A process that dies writes for so long beside the one that takes its place. */
  readonly outlivesMs: number;
  /** In the end somebody deletes the pipeline, whatever is under way. */
  readonly isDeleted: boolean;
  readonly seed: number;
}

const variant = variantOf(families);
const of = <T extends object>(kind: Happening['kind'], more: { [P in keyof T]: fc.Arbitrary<T[P]> }) =>
  fc.record({ kind: fc.constant(kind), ...more }) as unknown as fc.Arbitrary<Happening>;

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: of('podRuns', { which }) },
  { weight: 6, arbitrary: of('podEnds', { which, how: fc.constant('succeeds') }) },
  {
    weight: 3,
    arbitrary: of('podEnds', {
      which,
      how: fc.constantFrom<PodEnd>('poorly', 'evicted', 'preempted', 'killed', 'vanishes', 0, 1, 64, 66, 75),
    }),
  },
  { weight: 1, arbitrary: of('nodeIsLost', { which }) },
  { weight: 1, arbitrary: of('nodeReturns', { which, how: fc.constantFrom('succeeds', 'killed', 'vanishes') }) },
  { weight: 4, arbitrary: of('queueAdmits', { which }) },
  { weight: 1, arbitrary: of('queueTakesBack', { which }) },
  { weight: 2, arbitrary: of('time', { seconds: fc.constantFrom(1, 20, 60, 240) }) },
  { weight: 3, arbitrary: of('suspend', { suspend: fc.boolean() }) },
  { weight: 3, arbitrary: of('edit', { variant }) },
  { weight: 1, arbitrary: of('approve', { which }) },
  { weight: 2, arbitrary: of('rerun', { which }) },
  { weight: 2, arbitrary: of('deleteStage', { which }) },
  { weight: 2, arbitrary: of('editStage', { which, seed: fc.constantFrom(3, 9) }) },
  { weight: 2, arbitrary: of('copyStage', { which }) },
  { weight: 1, arbitrary: of('deleteCopies', {}) },
  { weight: 1, arbitrary: of('replacePipeline', { variant }) },
);

const happenings = fc.array(
  fc
    .tuple(happening, fc.constantFrom(0, 1, 10, 10), fc.boolean())
    .map(([each, restSeconds, justBeforeStatus]) => ({ ...each, restSeconds, justBeforeStatus })),
  { minLength: 1, maxLength: 16, size: 'max' },
);

const often = (probability: number) => fc.constantFrom(0, 0, probability);
const weather: fc.Arbitrary<Weather> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(fairWeather) },
  {
    weight: 3,
    arbitrary: fc.record({
      lagsMs: fc.constantFrom([10], [0, 400], [10, 3000], [0, 10, 100, 1000, 8000]),
      breaks: often(0.1),
      forgets: often(0.5),
      doubles: often(0.3),
      lostAnswers: often(0.1),
    }),
  },
);

const deaths = fc.oneof(
  { weight: 1, arbitrary: fc.constant<number[]>([]) },
  { weight: 3, arbitrary: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12, size: 'max' }) },
  // After every single write.
  { weight: 1, arbitrary: fc.constant(Array.from({ length: 60 }, () => 1)) },
);

const beginning = {
  family: fc.nat(families.length - 1),
  variant: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: variant }),
  seed: fc.integer(),
};

export const course: fc.Arbitrary<Course> = fc.record({
  ...beginning,
  happenings,
  weather,
  deaths,
  outlivesMs: fc.constantFrom(0, 0, 0, 300, 3000),
  isDeleted: fc.constantFrom(false, false, false, false, false, true),
});

/** One in which everything comes to rest after each happening, so that its end depends on nothing else. */
export const slowCourse: fc.Arbitrary<Course> = course.map((each) => ({
  ...each,
  isDeleted: false,
  happenings: each.happenings.map((one) => ({ ...one, restSeconds: 45, justBeforeStatus: false })),
}));
