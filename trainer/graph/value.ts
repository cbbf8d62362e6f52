import { type Shape, ShapeError, showShape } from './shape.ts';

export type ElementType = 'float32' | 'bfloat16' | 'float64' | 'int64' | 'int32' | 'bool';

/** A tensor in a graph that is being built: what it is and where it comes from. Immutable. */
export interface Value {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly source: Source;
}

export type Source =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly data: ConstantData }
  | { readonly kind: 'node'; readonly node: Node; readonly index: number };

export type ConstantData = Float32Array | BigInt64Array;

/** One application of an ONNX op, or of a composite (several ops with a gradient of their own). */
export interface Node {
  /** Order of creation, which is a topological order. */
  readonly serial: number;
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: readonly Value[];
  /** Of a composite or a kernel: the values its outputs stand for. */
  readonly body?: readonly Value[];
  readonly gradient?: Gradient;
}

/** Integers are numbers, floats are wrapped, because the two are different attribute types in ONNX. */
export type Attributes = Readonly<Record<string, number | readonly number[] | string | { readonly float: number }>>;

/**
 * Cotangents of the inputs from those of the outputs. An output that the loss does not depend on has none; an input
 * without a gradient (indices, masks) answers `undefined`.
 */
export type Gradient = (...cotangents: (Value | undefined)[]) => readonly Cotangent[];

/** What reaches one input: nothing, one contribution or several. */
export type Cotangent = Contribution | readonly Contribution[] | undefined;

/** A summand of a cotangent. */
export type Contribution = Value | AddOnto | RowUpdates;

/** A summand that its op adds to the sum so far at no cost, such as a product through Gemm's input C. */
export interface AddOnto {
  readonly onto: (sum: Value | undefined) => Value;
}

/** A summand that is zero except for some rows: `sum[rows[i]] += updates[i]`; a row may occur more than once. */
export interface RowUpdates {
  /** `[n]` int64 */
  readonly rows: Value;
  /** `[n, …row]` */
  readonly updates: Value;
}

/** Element type and shape of an output. */
export interface OutputSpec {
  readonly type?: ElementType;
  readonly shape: Shape;
}

let serial = 0;

/** A tensor that is given when the program runs. */
export function input(name: string, shape: Shape, type: ElementType = 'float32'): Value {
  return { type, shape, source: { kind: 'input', name } };
}

/** A tensor that is part of the program: float32 from a Float32Array, int64 from a BigInt64Array. */
export function constant(data: ConstantData, shape: readonly number[]): Value {
  return { type: data instanceof Float32Array ? 'float32' : 'int64', shape, source: { kind: 'constant', data } };
}

/** A float32 constant of shape `[]`. */
export function scalar(value: number): Value {
  return constant(Float32Array.of(value), []);
}

/** An int64 constant of shape `[n]`. */
export function integers(values: readonly number[]): Value {
  return constant(BigInt64Array.from(values, BigInt), [values.length]);
}

/** Applies an ONNX op with one output. */
export function apply(
  op: string,
  inputs: readonly (Value | undefined)[],
  output: OutputSpec,
  details: { domain?: string; attributes?: Attributes; gradient?: Gradient } = {},
): Value {
  return applyAll(op, inputs, [output], details)[0] as Value;
}

/** Applies an ONNX op with several outputs. */
export function applyAll(
  op: string,
  inputs: readonly (Value | undefined)[],
  outputs: readonly OutputSpec[],
  details: { domain?: string; attributes?: Attributes; gradient?: Gradient } = {},
): Value[] {
  const { domain = '', attributes = {}, gradient } = details;
  return addNode({ op, domain, inputs, attributes, ...(gradient && { gradient }) }, outputs);
}

/**
 * Several ops that are differentiated as one: `outputs` were built from `inputs`; reverse mode calls `gradient`, which
 * may use every value in between, and does not look inside.
 */
export function composite(
  name: string,
  inputs: readonly Value[],
  outputs: readonly Value[],
  gradient: Gradient,
): Value[] {
  return addNode({ op: name, domain: 'composite', inputs, attributes: {}, body: outputs, gradient }, outputs);
}

/** The domain of the ops that `native/` computes. */
export const kernelDomain = 'r1.ops';

/**
 * A composite that stays one op in the file, with its body as an ONNX function of the same name: where a kernel of that name is
 * registered the kernel is run, else the body.
 *
 * @param inputs an optional one that is missing keeps its place
 * @param outputs built from `inputs` alone; what lies in between is not known outside, so `gradient` has to do without it
 */
export function kernel(
  name: string,
  inputs: readonly (Value | undefined)[],
  outputs: readonly Value[],
  gradient?: Gradient,
): Value[] {
  return addNode(
    { op: name, domain: kernelDomain, inputs, attributes: {}, body: outputs, ...(gradient && { gradient }) },
    outputs,
  );
}

function addNode(description: Omit<Node, 'serial' | 'outputs'>, specs: readonly OutputSpec[]): Value[] {
  const outputs: Value[] = [];
  const node: Node = { ...description, serial: serial++, outputs };
  for (const [index, { type = 'float32', shape }] of specs.entries()) {
    outputs.push({ type, shape, source: { kind: 'node', node, index } });
  }
  return outputs;
}

/** Throws a ShapeError unless the value has the given rank. */
export function expectRank(op: string, value: Value, rank: number): void {
  if (value.shape.length !== rank) {
    throw new ShapeError(`${op}: found shape ${showShape(value.shape)}, expected ${rank} dimensions`);
  }
}
