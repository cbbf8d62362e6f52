import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { SafetensorsFile } from '../../../trainer/checkpoint/safetensors.ts';
import { bytesOf, damagedBytes, damagedJson } from '../mutations.ts';
import type { FuzzTarget } from '../target.ts';

const header = {
  __metadata__: { format: 'pt' },
  'model.embed_tokens.weight': { dtype: 'F32', shape: [3, 4], data_offsets: [0, 48] },
  'model.norm.weight': { dtype: 'BF16', shape: [4], data_offsets: [48, 56] },
  empty: { dtype: 'F16', shape: [0, 7], data_offsets: [56, 56] },
  'model.norm.bias': { dtype: 'F16', shape: [2, 4], data_offsets: [56, 72] },
};

/** Weights, read to the last element. */
export const safetensors: FuzzTarget = {
  name: 'safetensors',
  mostMiB: 400,
  inputs: () =>
    fc.oneof(
      damagedJson([header]).map((json) => fileOf(JSON.stringify(json) ?? '')),
      damagedBytes([fileOf(JSON.stringify(header))]),
    ),
  async open(directory) {
    const path = join(directory, 'model.safetensors');
    return {
      async read(input) {
        await writeFile(path, input);
        await using file = await SafetensorsFile.open(path);
        for (const { name, size } of file.tensors.values()) await file.read(name, new Float32Array(size));
      },
    };
  },
};

function fileOf(json: string): Uint8Array {
  const text = bytesOf(json);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
  return Buffer.concat([length, text, new Uint8Array(72)]);
}
