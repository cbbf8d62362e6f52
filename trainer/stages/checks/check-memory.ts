import type { Device } from '../../contract/settings/device.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { FileCheck } from '../../contract/settings/file-check.ts';
import { loraOf } from '../../contract/settings/settings.ts';
import { devicesFor, type LaneDevice } from '../../runtime/choose-device.ts';
import { configOf } from './config-of.ts';
import { fits, memoryLimit } from './model-fits.ts';
import { rewardModelConfigs } from './reward-model-configs.ts';
import { usesReference } from './uses-reference.ts';

/**
 * Why a stage cannot run on this machine; nothing where its model cannot be read, which is told elsewhere.
 *
 * @param uses of all stages: some open models of others
 */
export async function memoryProblem(
  use: FileCheck['uses'][number],
  uses: FileCheck['uses'],
  limit = memoryLimit(),
): Promise<string | undefined> {
  const stored = await configOf(use);
  if (stored === undefined) return undefined;
  const devices = devicesOf(use.device);
  if (devices === undefined) return undefined;
  const { settings, workers } = use;
  const config = { ...stored, lora: loraOf(settings) };
  const { grpo, pretrain, sft, rewardModel } = settings;
  const head = rewardModel === undefined ? ('lm' as const) : ('scalar' as const);
  const trained = (grpo ?? pretrain ?? sft) !== undefined || (rewardModel !== undefined && rewardModel.epochs > 0);
  const reference = grpo !== undefined && usesReference(grpo);
  const rewardModels = await rewardModelConfigs(settings, (name) => uses.find(({ stage }) => stage === name));
  return fits({ config, head, trained, reference, rewardModels, settings, workers, devices }, limit).never;
}

/** None where it computes on processors; nothing where it asks for what there is not, which is told elsewhere. */
function devicesOf(asked: Device | undefined): readonly LaneDevice[] | undefined {
  try {
    return devicesFor(asked);
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
