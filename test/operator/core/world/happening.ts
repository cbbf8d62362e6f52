import * as fc from 'fast-check';
import { variantOf, which, type Wish } from '../../../support/wishes.ts';
import { variants } from './variants.ts';

/** What can happen to a pipeline and its stages. `which` chooses among the stages, or attempts, that there are. */
export type Happening =
  | { readonly kind: 'time'; readonly seconds: number }
  | { readonly kind: 'lookAtPipeline' }
  | { readonly kind: 'lookAtStage'; readonly which: number }
  | { readonly kind: 'settle' }
  | { readonly kind: 'podWaits'; readonly which: number; readonly reason: 'Queued' | 'ImageUnavailable' }
  | { readonly kind: 'podRuns'; readonly which: number }
  | { readonly kind: 'progress'; readonly which: number }
  | { readonly kind: 'podEnds'; readonly which: number; readonly how: End }
  | { readonly kind: 'tracesGo'; readonly which: number }
  | Wish
  | { readonly kind: 'deleteStage'; readonly which: number }
  | { readonly kind: 'editStage'; readonly which: number; readonly seed: number }
  | { readonly kind: 'refuse'; readonly seconds: number };

const ends = ['succeeds', 'poorly', 'evicted', 'preempted', 'nodeLost', 'killed', 'unseen'] as const;
/** A word, or an exit code. */
export type End = (typeof ends)[number] | number;

const variant = variantOf(variants);

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'settle' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'lookAtPipeline' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('lookAtStage' as const), which }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('podRuns' as const), which }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('podEnds' as const),
      which,
      how: fc.oneof(
        { weight: 3, arbitrary: fc.constant('succeeds' as const) },
        { weight: 2, arbitrary: fc.constantFrom(...ends) },
        { weight: 1, arbitrary: fc.constantFrom<number>(0, 1, 64, 65, 66, 67, 75, 69, 137) },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), seconds: fc.constantFrom(1, 60, 2000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('suspend' as const), suspend: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('edit' as const), variant }) },
  {
    weight: 8,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant('progress' as const), which }),
      fc.record({ kind: fc.constant('tracesGo' as const), which }),
      fc.record({ kind: fc.constant('approve' as const), which }),
      fc.record({ kind: fc.constant('rerun' as const), which }),
      fc.record({ kind: fc.constant('deleteStage' as const), which }),
      fc.record({ kind: fc.constant('editStage' as const), which, seed: fc.constantFrom(3, 9) }),
      fc.record({ kind: fc.constant('refuse' as const), seconds: fc.constantFrom(5, 300) }),
      fc.record({
        kind: fc.constant('podWaits' as const),
        which,
        reason: fc.constantFrom('Queued' as const, 'ImageUnavailable' as const),
      }),
    ),
  },
);

/** What a world begins with, and what happens in it. */
export interface Course {
  /** Of `variants`. */
  readonly family: number;
  readonly variant: number;
  readonly maxRunningStages: number;
  readonly happenings: readonly Happening[];
}

export const course: fc.Arbitrary<Course> = fc.record({
  family: fc.nat(variants.length - 1),
  variant: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: variant }),
  maxRunningStages: fc.constantFrom(1, 1, 2, 32),
  happenings: fc.array(happening, { minLength: 1, maxLength: 40, size: 'max' }),
});
