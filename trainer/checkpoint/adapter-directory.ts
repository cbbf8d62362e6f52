import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { makeWithin } from '../contract/files/make-directory.ts';
import type { LoraSettings } from '../contract/settings/training.ts';
import { adapterConfigName } from './adapter.ts';
import type { FlatTensor } from './model-directory.ts';
import { SafetensorsFile, writeSafetensors } from './safetensors.ts';

const weightsName = 'adapter_model.safetensors';

/** PEFT names a tensor by its place in the model that it wraps. */
const wrapper = 'base_model.model.';

export interface AdapterToWrite<Tensor> {
  readonly lora: LoraSettings;
  /** A scalar head is trained and kept with the adapters. */
  readonly head: 'lm' | 'scalar';
  /** Those that are trained. */
  readonly tensors: readonly Tensor[];
  /** Gives the weights of one when it is written. */
  readonly valuesOf: (tensor: Tensor) => Float32Array | Promise<Float32Array>;
}

/**
 * Writes LoRA adapters as `peft` does: `PeftModel.from_pretrained(base, directory)` opens them. The base is not named: where it lies
 * differs from machine to machine, and the bits of a checkpoint do not.
 *
 * @throws DiskFullError
 */
export async function writeAdapter<Tensor extends FlatTensor>(
  directory: string,
  { lora, head, tensors, valuesOf }: AdapterToWrite<Tensor>,
): Promise<void> {
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
    await makeWithin(directory);
    await writeFile(join(directory, adapterConfigName), `${JSON.stringify(config, undefined, 2)}\n`);
  });
  await writeSafetensors(
    join(directory, weightsName),
    tensors.map((tensor) => ({
      name: wrapper + tensor.name,
      shape: tensor.shape,
      values: () => valuesOf(tensor),
    })),
  );
}

/** Reads what `writeAdapter` wrote, a tensor at a time, into memory that it asks for. */
export async function readAdapter<Tensor extends FlatTensor>(
  directory: string,
  tensors: readonly Tensor[],
  memoryOf: (tensor: Tensor) => Float32Array | Promise<Float32Array>,
): Promise<void> {
  await using file = await SafetensorsFile.open(join(directory, weightsName));
  for (const tensor of tensors) await file.read(wrapper + tensor.name, await memoryOf(tensor));
}
