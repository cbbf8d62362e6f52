import { readFile } from 'node:fs/promises';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { stageDefaults, type StageDefaults } from '../../api/resources/stage-defaults.ts';

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
