import { join } from 'node:path';
import { expect } from '@jest/globals';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { compileReal, runToEnd, testWithWheels, wheel } from './wheels.ts';

/* cuDNN's graphs of attention: which architectures accept them, said without any of them. */

/** A line of native/cuda/test/real/flash-attention.cc. */
interface Validated {
  readonly architecture: number;
  readonly form: 'packed' | 'padded';
  readonly isTaken: boolean;
  readonly heads: string;
  /** What cuDNN says against it. */
  readonly forward: string;
  readonly backward: string;
}

const directory = useTemporaryDirectory();

testWithWheels(
  'attention is packed where cuDNN has a deterministic gradient of that form, and padded elsewhere',
  () => {
    const program = join(directory(), 'flash-attention');
    compileReal(program, ['native/cuda/test/real/flash-attention.cc']);
    const lines = runToEnd(program, [wheel('nvidia/cudnn/lib/libcudnn.so.9')])
      .trim()
      .split('\n');
    const graphs = lines.map((line) => JSON.parse(line) as Validated);
    expect(graphs).toHaveLength(6 * 2 * 4);
    expect(graphs.filter(({ isTaken, forward, backward }) => isTaken && forward + backward !== '')).toEqual([]);

    const packed = graphs.filter(({ form }) => form === 'packed');
    expect(new Set(packed.filter(({ isTaken }) => isTaken).map(({ architecture }) => architecture))).toEqual(
      new Set([90, 100]),
    );
    const others = packed.filter(({ isTaken }) => !isTaken).map(({ backward }) => backward);
    expect(new Set(others)).toEqual(
      new Set(['Deterministic algorithm is not supported for bprop thd on SM8X and SM12X GPUs']),
    );
  },
);
