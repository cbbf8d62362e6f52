import { posix } from 'node:path';
import type { ResolvedModel } from '../../api/stage.ts';
import type { Places } from '../../core/plan.ts';
import type { R1Stage } from '../../api/stage.ts';
import { runName } from './names.ts';

/** Where things are in a stage's pod. */
export const mounts = {
  stageFile: '/r1/stage.json',
  out: '/r1/out',
  in: '/r1/in',
  files: '/r1/files',
  base: '/r1/base',
  hub: '/r1/hub',
  rollout: '/r1/rollout',
} as const;

export const rolloutPort = 7070;
export const rolloutTokenFile = `${mounts.rollout}/token`;

/** The directory that one attempt writes, below the stage's own: `<run>/attempt-<n>`. */
export function attemptDirectory(uid: string, attempt: number): string {
  return `${runName(uid)}/attempt-${attempt}`;
}

/** Where the init container puts a model of the Hub. */
export function hubDirectory({ repo, revision }: NonNullable<ResolvedModel['hf']>): string {
  return `${mounts.hub}/${repo.replaceAll('/', '--')}@${revision.replaceAll('/', '--')}`;
}

/** The paths of the stage file, as the trainer sees them in its pod. */
export function placesInPod({ metadata }: R1Stage, attempt: number): Places {
  return {
    resolve: (path) => posix.resolve(mounts.files, path),
    input: ({ stage, path }) => `${mounts.in}/${stage}/${path}`,
    fetched: ({ hf }) => (hf === undefined ? mounts.base : hubDirectory(hf)),
    out: `${mounts.out}/${attemptDirectory(metadata.uid ?? '', attempt)}`,
  };
}
