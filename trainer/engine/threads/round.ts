import type { ParameterLayout } from '../../models/parameters.ts';
import { roundProgram } from '../../models/programs.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import { floatTensor } from '../../runtime/tensor.ts';
import type { Jobs } from './protocol.ts';

/** A worker's share of the tensors that are read in bfloat16: ONNX Runtime rounds them six times as fast as a loop here. */
export async function round(
  programs: ExecutableCache,
  { tensors, frozen }: ParameterLayout,
  { part, values, rounded, range }: Jobs['round']['request'],
): Promise<void> {
  const program = await programs.get('round', roundProgram);
  const first = part === 'trained' ? frozen : 0;
  for (const { offset, size, type, trained } of tensors) {
    if (type !== 'bfloat16' || trained !== (part === 'trained')) continue;
    const start = Math.max(range.start, offset - first);
    const end = Math.min(range.end, offset - first + size);
    if (start >= end) continue;
    const dims = [end - start];
    // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
    await program.run(
      { values: floatTensor(values.subarray(start, end), dims) },
      { rounded: { type, dims, data: rounded.subarray(start, end) } },
    );
  }
}
