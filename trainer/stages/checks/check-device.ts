import type { Device } from '../../contract/settings/device.ts';
import { UserError } from '../../contract/process/errors.ts';
import { chooseDevice } from '../../runtime/choose-device.ts';

/** Why a stage cannot compute on this machine as it is asked to. */
export function deviceProblem(asked: Device): string | undefined {
  try {
    chooseDevice(asked);
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
