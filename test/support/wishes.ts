import * as fc from 'fast-check';
import { annotations, approvedBecausePrefix } from '../../operator/api/resources/metadata.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';

/** What a person asks of a pipeline. `which` chooses among its stages, `variant` among its manifests. */
export type Wish =
  | { readonly kind: 'suspend'; readonly suspend: boolean }
  | { readonly kind: 'edit'; readonly variant: number }
  | { readonly kind: 'approve'; readonly which: number }
  | { readonly kind: 'rerun'; readonly which: number };

export const which = fc.nat(7);

/** Numbers of the longest of these lists of manifests. */
export function variantOf(families: readonly (readonly R1Pipeline[])[]): fc.Arbitrary<number> {
  return fc.nat(Math.max(...families.map(({ length }) => length)) - 1);
}

/** The pipeline as somebody asks for it. */
export function asAsked<T extends R1Pipeline>(pipeline: T, wish: Wish, manifests: readonly R1Pipeline[]): T {
  const { spec } = pipeline;
  switch (wish.kind) {
    case 'suspend':
      return { ...pipeline, spec: { ...spec, suspend: wish.suspend } };
    case 'edit': {
      const asked = pick(manifests, wish.variant);
      return asked === undefined ? pipeline : { ...pipeline, spec: { ...asked.spec, suspend: spec.suspend } };
    }
    case 'approve':
      return approvedBecause(annotated(pipeline, annotations.approved, wish.which), wish.which);
    case 'rerun':
      return annotated(pipeline, annotations.rerunFrom, wish.which);
  }
}

function annotated<T extends R1Pipeline>(pipeline: T, annotation: string, stage: number): T {
  const { metadata, spec } = pipeline;
  const given = { ...metadata.annotations, [annotation]: pick(spec.stages, stage)?.name ?? '' };
  return { ...pipeline, metadata: { ...metadata, annotations: given } };
}

function approvedBecause<T extends R1Pipeline>(pipeline: T, stage: number): T {
  const { metadata, spec } = pipeline;
  const reason = { [`${approvedBecausePrefix}${pick(spec.stages, stage)?.name}`]: 'it is good enough' };
  return { ...pipeline, metadata: { ...metadata, annotations: { ...metadata.annotations, ...reason } } };
}

/** One of a list, whatever the number. */
export function pick<T>(list: readonly T[], index: number): T | undefined {
  return list[index % Math.max(1, list.length)];
}
