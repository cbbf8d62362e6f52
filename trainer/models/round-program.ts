import type { OnnxProgram } from '../graph/program.ts';
import { cast } from '../ops/movement.ts';
import { ProgramInputs } from './program-inputs.ts';

/** `values` [N] → `rounded` [N] in bfloat16. */
export function roundProgram(): OnnxProgram {
  const inputs = new ProgramInputs();
  return inputs.write({ rounded: cast(inputs.add('values', ['N']), 'bfloat16') });
}
