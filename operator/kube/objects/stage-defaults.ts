import { readFile } from 'node:fs/promises';
import type { R1Stage } from '../../api/stage.ts';
import { stageDefaults, type StageDefaults } from '../../api/stage-defaults.ts';
import { gpusOf } from './pod-spec.ts';

export const noStageDefaults: StageDefaults = { all: {}, gpu: {} };

/**
 * Reads the file of `--stage-defaults`, which the Helm chart makes of its values.
 *
 * @throws Error that names the file and what is wrong in it
 */
export async function readStageDefaults(path: string): Promise<StageDefaults> {
  try {
    return stageDefaults.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new Error(`${path}: expected stage defaults in JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** The stage as its pods are made from it: what its manifest leaves out is what the cluster says. */
export function withStageDefaults(stage: R1Stage, { all, gpu }: StageDefaults): R1Stage {
  const { spec } = stage;
  const defaults = gpusOf(spec.resources) > 0 ? { ...all, ...gpu } : all;
  const { imagePullSecrets = [], ...placement } = defaults;
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
