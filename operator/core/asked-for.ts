import { tellsApart, versioned } from '../../trainer/contract/settings/digest-version.ts';
import { annotations } from '../api/resources/metadata.ts';
import type { R1Stage, StageSpec } from '../api/resources/stage.ts';
import { contentDigest } from './settings-digest.ts';

/*
 * A pipeline marks each of its stages with a digest of what it asked for. Whoever changes such a stage by hand is not obeyed:
 * nobody could tell later which settings a result was made with. The pipeline puts the stage back.
 */

/** The stage as its pipeline asks for it by now; whether it rests is said apart from that. */
export function askFor(object: R1Stage, { spec }: R1Stage): R1Stage {
  return markAsked({ ...object, spec });
}

/** Marks a stage with what its pipeline asks for. */
export function markAsked(stage: R1Stage): R1Stage {
  const { metadata, spec } = stage;
  const marks = { ...metadata.annotations, [annotations.askedFor]: digestOfAsked(spec) };
  return { ...stage, metadata: { ...metadata, annotations: marks } };
}

/** A pipeline has made it, and says what it is asked for. */
export function isOfPipeline({ metadata }: R1Stage): boolean {
  const owners = metadata['ownerReferences'] as readonly { readonly kind: string }[] | undefined;
  return owners?.some(({ kind }) => kind === 'R1Pipeline') ?? false;
}

/** It asks for something else than its pipeline did. A copy that no pipeline owns asks for what it likes. */
export function isChangedByHand(stage: R1Stage): boolean {
  const { metadata, spec } = stage;
  if (!isOfPipeline(stage)) return false;
  return tellsApart(metadata.annotations?.[annotations.askedFor], digestOfAsked(spec));
}

function digestOfAsked(spec: StageSpec): string {
  return versioned(contentDigest(spec));
}
