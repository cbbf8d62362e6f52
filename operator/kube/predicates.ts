import { isDeepStrictEqual } from 'node:util';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import { isGoing } from '../core/deletion.ts';
import type { KubeObject, Stored, VolumeClaim } from './client/resources.ts';
import { goesWith, isMadeFor } from './objects/volume-claim.ts';

/**
 * Somebody asks for something else than before. The answer to our own write of a status can be the first that tells of an
 * edit which was committed just before it, and what the watch says of that edit is old news by then.
 */
export function isOtherWish(before: Stored<KubeObject> | undefined, after: Stored<KubeObject> | undefined): boolean {
  return !isDeepStrictEqual(wishOf(before), wishOf(after));
}

/** The object that was observed is there yet, and not another one of its name. */
export function isStillThere({ metadata }: Stored<KubeObject>, now: Stored<KubeObject> | undefined): boolean {
  return now?.metadata.uid === metadata.uid && !isGoing(now.metadata);
}

/** The claim goes with the pipeline that it was made for though its status says that it stays, or the other way round. */
export function isOtherThanSaid(claim: Stored<VolumeClaim>, { metadata, status }: Stored<R1Pipeline>): boolean {
  return isMadeFor(claim, metadata) && goesWith(claim, metadata) === (status?.volumeRetained === true);
}

function wishOf(object: Stored<KubeObject> | undefined): object | undefined {
  if (object === undefined) return undefined;
  const { uid, generation, deletionTimestamp, annotations = {} } = object.metadata;
  return { uid, generation, deletionTimestamp, annotations };
}
