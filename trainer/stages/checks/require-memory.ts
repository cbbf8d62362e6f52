import { UserError } from '../../contract/process/errors.ts';
import type { ModelConfig } from '../../models/config.ts';
import { laneDevices } from '../../runtime/choose-device.ts';
import { fits, memoryLimit, type ModelUse } from './model-fits.ts';
import type { Workspace } from '../workspace/workspace.ts';

/**
 * Whether a model fits, before memory is taken for it: one that cannot would be ended by the kernel after minutes, without a
 * word. One that may not fit, depending on its data, is warned of.
 *
 * @throws UserError with what the memory is for
 */
export function requireMemory(
  { file, warnings }: Workspace,
  config: ModelConfig,
  needs: Pick<ModelUse, 'head' | 'trained' | 'reference' | 'rewardModels'>,
  limit = memoryLimit(),
  devices = laneDevices(),
): void {
  const { settings, evaluation, workers, stage, datasets } = file;
  const { never, maybe } = fits({ ...needs, config, settings, evaluation, datasets, workers, devices }, limit);
  if (never !== undefined) throw new UserError(`stage ${stage}: ${never}`);
  if (maybe !== undefined) warnings.warn('MemoryTight', maybe);
}
