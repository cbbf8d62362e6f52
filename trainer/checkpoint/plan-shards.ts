import { singleName } from './weight-files.ts';

/** The Hub's own bound: 5 GB a file, not GiB. */
export const mostShardBytes = 5e9;

export interface Shard<T> {
  /** Name of its file: `model.safetensors` where there is one alone, else `model-00001-of-00003.safetensors` and so on. */
  readonly name: string;
  readonly tensors: readonly T[];
}

/**
 * Cuts the tensors of a model into files, in their order: a new one begins with the tensor that would take the last one over
 * the bound. A tensor that is larger than it has a file of its own.
 *
 * @param most bytes of data in a file
 */
export function planShards<T extends { readonly bytes: number }>(tensors: readonly T[], most: number): Shard<T>[] {
  const shards: T[][] = [];
  let left = -1;
  for (const tensor of tensors) {
    left -= tensor.bytes;
    if (left >= 0) shards.at(-1)!.push(tensor);
    else {
      shards.push([tensor]);
      left = most - tensor.bytes;
    }
  }
  return shards.map((inShard, at) => ({ name: shardName(at + 1, shards.length), tensors: inShard }));
}

function shardName(number: number, count: number): string {
  return count === 1 ? singleName : `model-${fiveDigits(number)}-of-${fiveDigits(count)}.safetensors`;
}

function fiveDigits(number: number): string {
  return `${number}`.padStart(5, '0');
}
