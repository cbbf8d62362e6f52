import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '../contract/full-disk.ts';
import type { LoraSettings } from '../contract/training.ts';
import { adapterConfigName } from './adapter.ts';
import type { FlatLayout } from './model-directory.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';

const weightsName = 'adapter_model.safetensors';

/** PEFT names a tensor by its place in the model that it wraps. */
const wrapper = 'base_model.model.';

export interface AdapterToWrite {
  readonly lora: LoraSettings;
  /** A scalar head is trained and kept with the adapters. */
  readonly head: 'lm' | 'scalar';
  /** Of what is trained. */
  readonly layout: FlatLayout;
  readonly trained: Float32Array;
}

/**
 * Writes LoRA adapters as `peft` does: `PeftModel.from_pretrained(base, directory)` opens them. The base is not named: where it lies
 * differs from machine to machine, and the bits of a checkpoint do not.
 *
 * @throws DiskFullError
 */
export async function writeAdapter(directory: string, { lora, head, layout, trained }: AdapterToWrite): Promise<void> {
  const config = {
    peft_type: 'LORA',
    task_type: head === 'lm' ? 'CAUSAL_LM' : 'SEQ_CLS',
    base_model_name_or_path: null,
    inference_mode: true,
    r: lora.rank,
    lora_alpha: lora.alpha,
    lora_dropout: 0,
    target_modules: lora.targets,
    modules_to_save: head === 'lm' ? null : ['classifier', 'score'], // the names that a scalar head may have
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
  };
  await namingFullDisk(directory, undefined, async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, adapterConfigName), `${JSON.stringify(config, undefined, 2)}\n`);
  });
  await writeSafetensors(
    join(directory, weightsName),
    layout.tensors.map(({ name, shape, offset, size }) => ({
      name: wrapper + name,
      shape,
      values: trained.subarray(offset, offset + size),
    })),
  );
}

/** Reads what `writeAdapter` wrote. @param into flat, in the order of the layout */
export async function readAdapter(directory: string, layout: FlatLayout, into: Float32Array): Promise<void> {
  await using file = await SafetensorsFile.open(join(directory, weightsName));
  for (const { name, offset, size } of layout.tensors) {
    await file.read(wrapper + name, into.subarray(offset, offset + size));
  }
}
