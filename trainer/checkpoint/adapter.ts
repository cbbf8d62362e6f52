import { join } from 'node:path';
import { UserError } from '../contract/process/errors.ts';
import { readJsonObject } from '../contract/files/input-file.ts';
import { shown } from '../contract/process/shown.ts';

export const adapterConfigName = 'adapter_config.json';

/** @throws UserError that names its base, when the directory holds a LoRA adapter instead of a model */
export async function refuseAdapter(directory: string): Promise<void> {
  const config = await readJsonObject(join(directory, adapterConfigName), 1 << 20);
  if (config === undefined) return;
  const base = config['base_model_name_or_path'];
  const kind = config['peft_type'] === 'LORA' || config['peft_type'] === undefined ? 'a LoRA' : 'a PEFT';
  throw new UserError(
    `${directory}: is ${kind} adapter of ${typeof base === 'string' ? shown(base) : 'an unnamed model'}, not a model; ` +
      'merge it first (peft: merge_and_unload(), then save_pretrained()) and name the merged directory',
  );
}
