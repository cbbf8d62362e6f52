import type { OnnxProgram, Port } from '../graph/program.ts';
import { showShape, sizeOf } from '../graph/shape.ts';
import { byteLength, requireRoom } from './device-memory.ts';
import { type AnyTensor, type AnyTensors, arrays, isOnDevice } from './tensor.ts';

/** Tensors that fit a program's ports. */
export interface Fitted {
  /** One for each input of the program. */
  readonly inputs: AnyTensors;
  /** Those outputs for which there is a tensor. */
  readonly outputs: AnyTensors;
  /** The shapes of all outputs, in their order. */
  readonly shapes: readonly { readonly port: Port; readonly dims: readonly number[] }[];
}

/**
 * Tensors against a program's ports; symbolic dimensions take the sizes that the inputs have.
 *
 * @throws Error naming the port whose tensor is missing, of another type or shape, or without its memory
 */
export function fitTensors(program: OnnxProgram, inputs: AnyTensors, outputs: AnyTensors): Fitted {
  const sizes = new Map<string, number>();
  const taken: Record<string, AnyTensor> = {};
  for (const port of program.inputs) {
    const tensor = inputs[port.name];
    if (tensor === undefined) throw new Error(`input ${port.name}: found no tensor, expected ${show(port)}`);
    requireFit('input', port, tensor, sizes);
    taken[port.name] = tensor;
  }
  const given: Record<string, AnyTensor> = {};
  for (const port of program.outputs) {
    const tensor = outputs[port.name];
    if (tensor === undefined) continue;
    requireFit('output', port, tensor, sizes);
    given[port.name] = tensor;
  }
  const shapes = program.outputs.map((port) => ({ port, dims: dimsOf(port, sizes) }));
  return { inputs: taken, outputs: given, shapes };
}

/** @throws Error where somebody has taken a bound tensor's memory away, as transferring or freeing its buffer does */
export function requireMemory(bound: readonly BoundTensor[]): void {
  for (const { name, tensor, bytes } of bound) {
    const found = bytesOf(tensor);
    if (found !== bytes) throw new Error(`${name}: found ${found} bytes, expected the ${bytes} that were bound`);
  }
}

/** A tensor with the memory that it had when it was bound. */
export interface BoundTensor {
  readonly name: string;
  readonly tensor: AnyTensor;
  readonly bytes: number;
}

export function boundTensors(...tensors: readonly AnyTensors[]): BoundTensor[] {
  return tensors
    .flatMap((named) => Object.entries(named))
    .map(([name, tensor]) => ({ name, tensor, bytes: bytesOf(tensor) }));
}

function bytesOf(tensor: AnyTensor): number {
  if (!isOnDevice(tensor)) return tensor.data.byteLength;
  return tensor.buffer.isFreed ? 0 : byteLength(tensor);
}

function requireFit(kind: string, port: Port, tensor: AnyTensor, sizes: Map<string, number>): void {
  const { type, dims } = tensor;
  const fits =
    type === port.type &&
    dims.length === port.shape.length &&
    port.shape.every((size, axis) => {
      const found = dims[axis] as number;
      if (!Number.isSafeInteger(found) || found < 0) return false;
      if (typeof size === 'number') return found === size;
      const known = sizes.get(size);
      sizes.set(size, known ?? found);
      return found === (known ?? found);
    });
  if (!fits) {
    const known = port.shape.map((size) => (typeof size === 'number' ? size : (sizes.get(size) ?? size)));
    throw new Error(
      `${kind} ${port.name}: found ${type} ${showShape(dims)}, expected ${port.type} ${showShape(known)}`,
    );
  }
  if (isOnDevice(tensor)) {
    requireRoom(tensor);
    return;
  }
  const { data } = tensor;
  if (!(data instanceof arrays[type]) || data.length !== sizeOf(dims)) {
    throw new Error(
      `${kind} ${port.name}: found ${data.length} numbers in a ${data.constructor.name}, ` +
        `expected ${sizeOf(dims)} in a ${arrays[type].name}`,
    );
  }
}

function dimsOf({ name, shape }: Port, sizes: ReadonlyMap<string, number>): number[] {
  return shape.map((size) => {
    const known = typeof size === 'number' ? size : sizes.get(size);
    if (known === undefined) throw new Error(`output ${name}: no input says what ${size} is`);
    return known;
  });
}

function show({ type, shape }: Port): string {
  return `${type} ${showShape(shape)}`;
}
