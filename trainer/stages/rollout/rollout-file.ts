import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import type { LearnableCompletion, Rollout } from './rollout.ts';

/**
 * In a checkpoint of a stage that was stopped between two updates of one rollout: its figures, then a completion a line. The
 * whole rollout of a long run would be longer than a text can be.
 */
const rolloutFile = 'trainer/rollout.jsonl';

/** Keeps a rollout with a checkpoint: the policy that sampled it is no more, so it could not be made again. */
export async function writeRollout(directory: string, { completions, ...figures }: Rollout): Promise<void> {
  function* lines() {
    yield `${JSON.stringify(figures)}\n`;
    for (const completion of completions) yield `${JSON.stringify(completion, encodeFloats)}\n`;
  }
  await writeFile(join(directory, rolloutFile), lines());
}

/** The rollout that a checkpoint keeps, which lies between two of its updates. */
export async function readRollout(checkpoint: string | undefined): Promise<Rollout> {
  if (checkpoint === undefined) throw new Error('only a checkpoint can lie within a rollout');
  const lines = createInterface(createReadStream(join(checkpoint, rolloutFile)))[Symbol.asyncIterator]();
  const figures = JSON.parse((await lines.next()).value as string) as Omit<Rollout, 'completions'>;
  const completions: LearnableCompletion[] = [];
  for await (const line of lines) completions.push(JSON.parse(line, decodeFloats) as LearnableCompletion);
  return { ...figures, completions };
}

function encodeFloats(_: string, value: unknown): unknown {
  if (!(value instanceof Float32Array)) return value;
  return { float32: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') };
}

function decodeFloats(_: string, value: unknown): unknown {
  return isFloats(value) ? floats(value.float32) : value;
}

function isFloats(value: unknown): value is { readonly float32: string } {
  return typeof value === 'object' && value !== null && 'float32' in value && typeof value.float32 === 'string';
}

function floats(base64: string): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(base64, 'base64')); // a copy of its own, which begins where floats may
  return new Float32Array(bytes.buffer);
}
