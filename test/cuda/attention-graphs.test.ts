import { join } from 'node:path';
import { expect } from '@jest/globals';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';
import { compileReal, runToEnd, testWithWheels, wheel } from './wheels.ts';

/* cuDNN's graphs of attention: which architectures accept them, said without any of them, and the library that runs them, up to there. */

/** A line of native/cuda/test/real/attention-graphs.cc. */
interface Validated {
  readonly architecture: number;
  readonly heads: string;
  /** What cuDNN says against it. */
  readonly forward: string;
  readonly backward: string;
}

const directory = useTemporaryDirectory();

/** cuDNN has no attention for its heads. */
function isOdd({ heads }: Validated): boolean {
  return heads.endsWith('of 20');
}

testWithWheels('every architecture has deterministic attention for heads of a multiple of 8 numbers', () => {
  const program = join(directory(), 'attention-graphs');
  compileReal(program, ['native/cuda/test/real/attention-graphs.cc']);
  const lines = runToEnd(program, [wheel('nvidia/cudnn/lib/libcudnn.so.9')])
    .trim()
    .split('\n');
  const graphs = lines.map((line) => JSON.parse(line) as Validated);
  expect(graphs).toHaveLength(6 * 6);
  expect(graphs.filter((graph) => !isOdd(graph) && graph.forward + graph.backward !== '')).toEqual([]);
  expect(new Set(graphs.filter(isOdd).map(({ forward }) => forward))).toEqual(
    new Set(['hidden_dim should be multiple of 8']),
  );
});

testWithWheels('the library of attention tells the version of its cuDNN, and in words that there is no GPU', () => {
  const library = join(directory(), 'libr1attention.so');
  compileReal(library, ['-shared', '-fPIC', 'native/cuda/library/attention-by-cudnn.cc']);
  const program = join(directory(), 'attention-library');
  compileReal(program, ['native/cuda/test/real/attention-library.cc']);
  expect(runToEnd(program, [library])).toMatch(/^cudnn9\d{4}\n.*cuDNN: .+\n$/);
});
