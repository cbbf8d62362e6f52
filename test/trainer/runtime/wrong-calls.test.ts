import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { OnnxProgram, PortType } from '../../../trainer/graph/program.ts';
import { input, scalar } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { add, multiply } from '../../../trainer/ops/elementwise.ts';
import type { DeviceMemory } from '../../../trainer/runtime/device-memory.ts';
import { FfiRuntime } from '../../../trainer/runtime/ffi/ffi-runtime.ts';
import type { Bound, Executable } from '../../../trainer/runtime/runtime.ts';
import {
  type AnyTensor,
  type AnyTensors,
  arrays,
  type DeviceBuffer,
  isOnDevice,
} from '../../../trainer/runtime/tensor.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

/** All 100,000 calls with R1_LONG_TESTS=1. */
const histories = process.env['R1_LONG_TESTS'] === undefined ? 100 : 2000;
const callsEach = 50;

type Call =
  | { readonly kind: 'compile'; readonly broken: number | undefined }
  | { readonly kind: 'bind'; readonly inputs: Record<string, Wanted>; readonly outputs: Record<string, Wanted> }
  | {
      readonly kind: 'run' | 'runOnce' | 'release' | 'releaseBound' | 'collect' | 'take';
      readonly which: number;
    };

/** A tensor, right or wrong. */
interface Wanted {
  readonly type: PortType;
  readonly dims: readonly number[];
  /** Of its numbers in its memory. */
  readonly missing: number;
  readonly place: 'process' | 'shared' | 'device';
  /** In the memory of a device. */
  readonly offset: number;
}

const dims = fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant(3) }, fc.integer({ min: -1, max: 70 })), {
  maxLength: 3,
});

const tensor: fc.Arbitrary<Wanted> = fc.record({
  type: fc.oneof(
    { weight: 4, arbitrary: fc.constant<PortType>('float32') },
    fc.constantFrom<PortType>('int64', 'int32'),
  ),
  dims: fc.oneof({ weight: 4, arbitrary: fc.constant<number[]>([3]) }, dims),
  missing: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -2, max: 2 })),
  place: fc.constantFrom('process', 'shared', 'device'),
  offset: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: -8, max: 70 })),
});

function made({ type, dims: sizes, missing, place, offset }: Wanted, memory: DeviceMemory): AnyTensor {
  const count = sizes.reduce((product, size) => product * size, 1) - missing;
  const bytes = Math.min(Math.max(0, count), 1000) * arrays[type].BYTES_PER_ELEMENT;
  if (place === 'device') return { type, dims: sizes, buffer: memory.allocate(Math.max(1, bytes)), offset };
  const buffer = (place === 'shared' ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes)) as ArrayBuffer;
  return { type, dims: sizes, data: new arrays[type](buffer) };
}

const named = (...names: string[]) => fc.dictionary(fc.constantFrom(...names), tensor, { minKeys: names.length - 1 });

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('compile' as const), broken: fc.option(fc.nat(200), { nil: undefined }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('bind' as const), inputs: named('a', 'b', 'c'), outputs: named('y') }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constantFrom('run', 'runOnce', 'release', 'releaseBound', 'collect', 'take'),
      which: fc.nat(20),
    }),
  },
);

const program = (() => {
  const [a, b] = [input('a', ['N']), input('b', ['N'])];
  return writeProgram([a, b], { y: add(multiply(a, scalar(3)), b) });
})();

/** The program with one byte that is another. */
function damaged({ bytes, ...ports }: OnnxProgram, place: number): OnnxProgram {
  const copy = Uint8Array.from(bytes);
  const at = place % copy.length;
  copy[at] = (copy[at] as number) ^ 0xff;
  return { ...ports, bytes: copy };
}

test(`${histories * callsEach} wrong calls of the C API end in results or errors, never in a crash`, async () => {
  const runtime = FfiRuntime.open();
  const memory = runtime.deviceMemory();
  let [right, wrong] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: callsEach, maxLength: callsEach }), async (calls) => {
      const executables: Executable[] = [await runtime.compile(program)];
      const bound: { readonly bound: Bound; readonly tensors: readonly AnyTensor[] }[] = [];
      const buffers: DeviceBuffer[] = [];
      const madeOf = (wanted: Record<string, Wanted>): AnyTensors =>
        Object.fromEntries(
          Object.entries(wanted).map(([name, each]) => {
            const one = made(each, memory);
            if (isOnDevice(one)) buffers.push(one.buffer);
            return [name, one];
          }),
        );
      const make = async (one: Call): Promise<unknown> => {
        if (one.kind === 'compile') {
          executables.push(await runtime.compile(one.broken === undefined ? program : damaged(program, one.broken)));
          return undefined;
        }
        const executable = executables.at(-1) as Executable;
        if (one.kind === 'bind') {
          const [inputs, outputs] = [madeOf(one.inputs), madeOf(one.outputs)];
          const tensors = [...Object.values(inputs), ...Object.values(outputs)];
          return bound.push({ bound: executable.bind(inputs, outputs), tensors });
        }
        const picked = bound[one.which % Math.max(1, bound.length)];
        if (one.kind === 'run') return picked?.bound.run();
        if (one.kind === 'runOnce')
          return executable.run(Object.fromEntries((picked?.tensors ?? []).map((t, i) => ['ab'[i] ?? 'c', t])));
        if (one.kind === 'release') return executable.release();
        if (one.kind === 'releaseBound') return picked?.bound.release();
        if (one.kind === 'collect') return one.which === 0 ? collectGarbage() : undefined;
        const [first] = picked?.tensors ?? [];
        if (first === undefined) return undefined;
        if (isOnDevice(first)) return memory.free(first.buffer);
        const { buffer } = first.data;
        return buffer instanceof ArrayBuffer ? buffer.transfer() : undefined;
      };
      for (const one of calls) {
        try {
          // oxlint-disable-next-line no-await-in-loop -- one call after the other
          await make(one);
          right++;
        } catch (error) {
          expect(error).toMatchObject({ message: expect.stringMatching(/./) }); // of this realm or the host's
          wrong++;
        }
      }
      await Promise.all(executables.map((executable) => executable.release()));
      for (const buffer of buffers) if (!buffer.isFreed) memory.free(buffer);
    }),
    { numRuns: histories },
  );
  // Both kinds must be there, or the test has shown nothing.
  expect(right).toBeGreaterThan(histories);
  expect(wrong).toBeGreaterThan(histories);
});
