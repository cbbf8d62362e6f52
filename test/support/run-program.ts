import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OnnxProgram, Port } from '../../trainer/graph/program.ts';

/** Tensor data by port name. Numbers become the port's type; a plain array is flat. */
export type Feeds = Readonly<Record<string, Float32Array | BigInt64Array | readonly number[]>>;
export type Results = Readonly<Record<string, Float32Array>>;

/** A program in a session of one thread. A port's only symbolic dimension follows from its data unless `dimensions` has it. */
export async function openProgram(
  program: OnnxProgram,
  options: InferenceSession.SessionOptions = {},
): Promise<(feeds: Feeds, dimensions?: Readonly<Record<string, number>>) => Promise<Results>> {
  const session = await InferenceSession.create(program.bytes, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
    ...options,
  });
  return async (feeds, dimensions = {}) => {
    const tensors = program.inputs.map((port) => [port.name, tensor(port, feeds[port.name], dimensions)] as const);
    const results = await session.run(Object.fromEntries(tensors));
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
  };
}

/** Opens a program and runs it once. */
export async function runProgram(
  program: OnnxProgram,
  feeds: Feeds,
  dimensions?: Readonly<Record<string, number>>,
): Promise<Results> {
  return (await openProgram(program))(feeds, dimensions);
}

function tensor(
  { name, type, shape }: Port,
  data: Feeds[string] | undefined,
  dimensions: Readonly<Record<string, number>>,
): Tensor {
  if (data === undefined) throw new Error(`no data for input ${name}`);
  const known = shape.reduce<number>((product, size) => product * (typeof size === 'number' ? size : 1), 1);
  const dims = shape.map((size) => (typeof size === 'number' ? size : (dimensions[size] ?? data.length / known)));
  if (type === 'int64') {
    return new Tensor(
      type,
      data instanceof BigInt64Array ? data : BigInt64Array.from(data as readonly number[], BigInt),
      dims,
    );
  }
  return new Tensor(
    'float32',
    data instanceof Float32Array ? data : Float32Array.from(data as readonly number[]),
    dims,
  );
}
