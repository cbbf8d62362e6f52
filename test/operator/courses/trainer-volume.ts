import type { StageFile } from '../../../trainer/contract/settings/stage-file.ts';
import { digestOf } from '../../../operator/core/names.ts';
import { stageFile } from '../../../operator/core/pipeline/plan.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { mounts } from '../../../operator/kube/objects/layout.ts';

export interface Checkpoint {
  readonly digest: string;
  /** `resultOf` what it was made with. */
  readonly madeWith: string;
}

/** What a result follows from, as far as courses change any of it: neither where it lies nor how often it is saved. */
function resultOf({ stage, seed, settings, model, inputs }: StageFile): string {
  const pinned = Object.values(inputs).map(({ stage: from, digest }) => [from, digest]);
  const begins = model?.input === undefined ? model : { stage: model.input.stage, digest: model.input.digest };
  return digestOf({ stage, seed, settings, begins, pinned });
}

/** The same of what a stage asks for. */
export function resultAskedFor(stage: R1Stage): string {
  return resultOf(
    JSON.parse(
      JSON.stringify(stageFile(stage, 1, { resolve: String, input: ({ path }) => path, fetched: () => '', out: '' })),
    ),
  );
}

/** The checkpoints on the volume of a pipeline, by `<stage>/<run>/attempt-<n>/<name>`, and what trainers do to them. */
export class TrainerVolume {
  readonly checkpoints = new Map<string, Checkpoint>();

  /** @returns inputs that are not there, or are others than were pinned */
  missingInputs({ model, inputs }: StageFile): string[] {
    const pinned = [...Object.values(inputs), ...(model?.input === undefined ? [] : [model.input])];
    return pinned
      .filter(({ path, digest }) => this.checkpoints.get(path.slice(mounts.in.length + 1))?.digest !== digest)
      .map(({ path }) => path);
  }

  /** What a trainer does before its work: the runs that it was told are gone are removed. */
  removeGoneRuns({ stage, goneRuns = [] }: StageFile): string[] {
    const removed = [...this.checkpoints.keys()].filter((path) =>
      goneRuns.some((run) => path.startsWith(`${stage}/${run}/`)),
    );
    for (const path of removed) this.checkpoints.delete(path);
    return removed;
  }

  /** The last checkpoint of an attempt, under the path that its trainer names. */
  publish(file: StageFile): { readonly path: string; readonly step: number; readonly digest: string } {
    const madeWith = resultOf(file);
    const digest = digestOf(['checkpoint', madeWith]);
    const path = `${file.out}/step-000003`;
    this.checkpoints.set(`${file.stage}/${path.slice(mounts.out.length + 1)}`, { digest, madeWith });
    return { path, step: 3, digest };
  }
}
