import { readFile } from 'node:fs/promises';
import { UserError } from '../../../trainer/contract/errors.ts';
import type { R1Stage } from '../../api/stage.ts';
import { stageDefaults, type StageDefaults } from '../../api/stage-defaults.ts';
import { gpusOf } from '../objects/gpus.ts';

export const noStageDefaults: StageDefaults = { all: {}, gpu: {} };

/**
 * Reads the file of `--stage-defaults`, which the Helm chart makes of its values.
 *
 * @throws UserError that says which field of the file is wrong
 */
export async function readStageDefaults(file: string): Promise<StageDefaults> {
  try {
    return stageDefaults.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UserError(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The stage as its pods are built: its own fields first, then what the cluster has for its kind of pod. */
export function withStageDefaults(stage: R1Stage, { all, gpu }: StageDefaults): R1Stage {
  const { spec } = stage;
  const { imagePullSecrets = [], ...placement } = gpusOf(spec) > 0 ? { ...all, ...gpu } : all;
  const given = Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) as typeof spec;
  return {
    ...stage,
    spec: {
      ...placement,
      ...given,
      imagePullSecrets: spec.imagePullSecrets.length > 0 ? spec.imagePullSecrets : imagePullSecrets,
    },
  };
}
