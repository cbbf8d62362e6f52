import { SafetensorsFile } from '../../trainer/checkpoint/safetensors.ts';

/** All tensors of a file, by name. */
export async function readAll(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  await using file = await SafetensorsFile.open(path);
  const tensors = new Map<string, Float32Array>();
  for (const { name, size } of file.tensors.values()) {
    const values = new Float32Array(size);
    await file.read(name, values);
    tensors.set(name, values);
  }
  return tensors;
}
