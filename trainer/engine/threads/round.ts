import { roundToBfloat16 } from '../../algorithms/bfloat16.ts';
import type { ParameterLayout } from '../../models/parameters.ts';
import type { Jobs } from './protocol.ts';

/** A worker's share of the tensors that are read in bfloat16. */
export function round(
  { tensors, frozen }: ParameterLayout,
  { part, values, rounded, range }: Jobs['round']['request'],
): void {
  const first = part === 'trained' ? frozen : 0;
  for (const { offset, size, type, trained } of tensors) {
    if (type !== 'bfloat16' || trained !== (part === 'trained')) continue;
    const start = Math.max(range.start, offset - first);
    const end = Math.min(range.end, offset - first + size);
    if (start < end) roundToBfloat16(values.subarray(start, end), rounded.subarray(start, end));
  }
}
