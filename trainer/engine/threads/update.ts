import type { ParameterLayout } from '../../models/parameters.ts';
import { adamw, adamwFactors, type AdamWState, segments } from '../../optim/adamw.ts';
import { adamwProgram } from '../../optim/adamw-program.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { Runtime } from '../../runtime/runtime.ts';
import { floatTensor } from '../../runtime/tensor.ts';
import type { Jobs } from './protocol.ts';

type UpdateRequest = Jobs['update']['request'];

/** A worker's share of an AdamW update: by the kernel where there is one, else by a loop. @param layout of what is trained */
export async function update(
  { runtime, programs, layout }: { runtime: Runtime; programs: ExecutableCache; layout: ParameterLayout },
  { memory, parameters, range, settings, step, gradientScale }: UpdateRequest,
): Promise<void> {
  const state = { ...memory, parameters };
  const ofLayout = segments(layout.tensors, range.start, range.end);
  const factorsOf = (decay: boolean) => adamwFactors(settings, step, gradientScale, decay);
  if (runtime.name !== 'ops') {
    for (const segment of ofLayout) adamw(state, segment, factorsOf(segment.decay));
    return;
  }
  const program = await programs.get('adamw', adamwProgram);
  for (const { start, end, decay } of ofLayout) {
    const part = within(state, start, end);
    const data = factorsOf(decay);
    const inPlace = { 'next.parameters': part.parameters, 'next.m': part.m, 'next.v': part.v };
    // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
    await program.run({ ...part, factors: floatTensor(data, [data.length]) }, inPlace);
  }
}

function within({ parameters, gradient, m, v }: AdamWState, start: number, end: number) {
  const tensor = (flat: Float32Array) => floatTensor(flat.subarray(start, end), [end - start]);
  return { parameters: tensor(parameters), gradient: tensor(gradient), m: tensor(m), v: tensor(v) };
}
