import { posix } from 'node:path';
import type { R1Stage, ResolvedModel, StageSpec } from '../../api/resources/stage.ts';
import { attemptDirectory } from '../../core/names.ts';
import type { Places } from '../../core/pipeline/plan.ts';
import { deviceOf } from './gpus.ts';

/** Where things are in a stage's pod. */
export const mounts = {
  stageFile: '/r1/stage.json',
  out: '/r1/out',
  in: '/r1/in',
  files: '/r1/files',
  base: '/r1/base',
  hub: '/r1/hub',
  rollout: '/r1/rollout',
  review: '/r1/review',
} as const;

export const rolloutPort = 7070;
/** No manifest can name it: what asks for a Secret by its name, such as base.hf.tokenSecret, asks for the key `token`. */
export const rolloutTokenKey = 'rollout-token';
export const rolloutTokenFile = `${mounts.rollout}/${rolloutTokenKey}`;

/** Its page listens to its pod alone: a port is forwarded to it, and no other pod reaches it. */
export const reviewPort = 7071;
/** No manifest can name it, either. */
export const reviewTokenKey = 'review-token';

/** Where the init container puts a model of the Hub. */
export function hubDirectory({ repo, revision }: NonNullable<ResolvedModel['hf']>): string {
  return `${mounts.hub}/${repo.replaceAll('/', '--')}@${revision.replaceAll('/', '--')}`;
}

/** The paths of the stage file, as the trainer sees them in its pod. */
export function placesInPod({ metadata, spec }: R1Stage, attempt: number, goneRuns: readonly string[]): Places {
  const out = (number: number): string => `${mounts.out}/${attemptDirectory(metadata.uid ?? '', number)}`;
  return {
    resolve: (path) => posix.resolve(mounts.files, path),
    input: ({ stage, path }) => `${mounts.in}/${stage}/${path}`,
    fetched: ({ hf }) => (hf === undefined ? mounts.base : hubDirectory(hf)),
    out: out(attempt),
    device: deviceOf(spec),
    takeOver: Array.from({ length: attempt - 1 }, (_, index) => out(index + 1)),
    ...(goneRuns.length === 0 ? {} : { goneRuns: [...goneRuns] }),
    ...(spec.rolloutWorkers === 0 ? {} : { rollout: { port: rolloutPort, tokenFile: rolloutTokenFile } }),
    ...(servesPage(spec) && { reviewPage: { port: reviewPort, tokenFile: `${mounts.review}/${reviewTokenKey}` } }),
  };
}

/** People decide in it, on a page. */
export function servesPage({ review }: Pick<StageSpec, 'review'>): boolean {
  return review?.required === true;
}
