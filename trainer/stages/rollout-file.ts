import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rollout } from './rollout.ts';

/** In a checkpoint of a stage that was stopped between two updates of one rollout. */
const rolloutFile = 'trainer/rollout.json';

/** Keeps a rollout with a checkpoint: the policy that sampled it is no more, so it could not be made again. */
export async function writeRollout(directory: string, rollout: Rollout): Promise<void> {
  const text = JSON.stringify(rollout, (_, value: unknown) =>
    value instanceof Float32Array
      ? { float32: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
      : value,
  );
  await writeFile(join(directory, rolloutFile), text);
}

/** The rollout that a checkpoint keeps, which lies between two of its updates. */
export async function readRollout(checkpoint: string | undefined): Promise<Rollout> {
  if (checkpoint === undefined) throw new Error('only a checkpoint can lie within a rollout');
  const text = await readFile(join(checkpoint, rolloutFile), 'utf8');
  return JSON.parse(text, (_, value: unknown) => (isFloats(value) ? floats(value.float32) : value)) as Rollout;
}

function isFloats(value: unknown): value is { readonly float32: string } {
  return typeof value === 'object' && value !== null && 'float32' in value && typeof value.float32 === 'string';
}

function floats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64')); // a copy of its own, which begins where floats may
  return new Float32Array(bytes.buffer);
}
