import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import onnxProto from 'onnx-proto';
import { bytesOf, type Names } from './names.ts';
import type { Attributes, ElementType, Node, Value } from './value.ts';

const { onnx } = onnxProto;

/** As ONNX counts them. */
export const elementTypes: Record<ElementType, number> = {
  float32: onnx.TensorProto.DataType.FLOAT,
  bfloat16: onnx.TensorProto.DataType.BFLOAT16,
  float64: onnx.TensorProto.DataType.DOUBLE,
  int64: onnx.TensorProto.DataType.INT64,
  int32: onnx.TensorProto.DataType.INT32,
  bool: onnx.TensorProto.DataType.BOOL,
};

export interface NodeFields {
  readonly node: Node;
  /** Of its operands; an absent one has the empty name. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Which of the functions of this name is the node's body. */
  readonly overload?: string | undefined;
}

export function encodeNode({ node, inputs, outputs, overload }: NodeFields): Uint8Array {
  const proto = onnx.NodeProto.create({
    name: `${node.op}/${outputs[0]}`,
    opType: node.op,
    domain: node.domain,
    input: [...inputs],
    output: [...outputs],
    attribute: attributeProtos(node.attributes),
  });
  const bytes = onnx.NodeProto.encode(proto).finish();
  return overload === undefined ? bytes : append(bytes, nodeOverload, [new TextEncoder().encode(overload)]);
}

/** A node that puts a constant out: functions have no initializers. */
export function encodeConstant(value: Value, names: Names): Uint8Array {
  const tensor = { name: 'value', type: onnx.AttributeProto.AttributeType.TENSOR, t: tensorProto(value, names) };
  const proto = onnx.NodeProto.create({
    opType: 'Constant',
    output: [names.of(value)],
    attribute: [onnx.AttributeProto.create(tensor)],
  });
  return onnx.NodeProto.encode(proto).finish();
}

export type OpsetImport = { readonly domain: string; readonly version: number };

export interface FunctionFields {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly opsets: readonly OpsetImport[];
  readonly nodes: readonly Uint8Array[];
}

export function encodeFunction({ name, domain, inputs, outputs, opsets, nodes }: FunctionFields): Uint8Array {
  const proto = onnx.FunctionProto.create({
    name,
    domain,
    input: [...inputs],
    output: [...outputs],
    opsetImport: [...opsets],
  });
  return append(onnx.FunctionProto.encode(proto).finish(), functionNode, nodes);
}

/** The same function under a name for its node to tell it from others. */
export function overloaded(encodedFunction: Uint8Array, overload: string): Uint8Array {
  return append(encodedFunction, functionOverload, [new TextEncoder().encode(overload)]);
}

export interface ModelFields {
  readonly opsets: readonly OpsetImport[];
  readonly nodes: readonly Uint8Array[];
  readonly functions: readonly Uint8Array[];
  readonly constants: readonly Value[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export function encodeModel(fields: ModelFields, names: Names): Uint8Array {
  const { opsets, nodes, functions, constants, inputs, outputs } = fields;
  const info = (value: Value) => valueInfo(names.of(value), value);
  const graph = onnx.GraphProto.create({
    name: 'program',
    initializer: constants.map((value) => tensorProto(value, names)),
    input: inputs.map(info),
    output: outputs.map(info),
  });
  const model = onnx.ModelProto.create({ irVersion, producerName: 'r1-trainer', opsetImport: [...opsets] });
  const encodedGraph = append(onnx.GraphProto.encode(graph).finish(), graphNode, nodes);
  return append(append(onnx.ModelProto.encode(model).finish(), modelGraph, [encodedGraph]), modelFunction, functions);
}

/** Of ONNX 1.17, the first whose functions may have overloads. */
const irVersion = 10;

/** Numbers of fields in onnx.proto. */
const [modelGraph, modelFunction, graphNode, functionNode] = [7, 25, 1, 7];
/** Newer than the library for this format. */
const [nodeOverload, functionOverload] = [8, 13];

/**
 * A message with more values of a field. Protobuf reads a message in pieces as it reads it whole, so pieces may stand one behind the other;
 * that is how a field is written which the library does not know.
 */
function append(message: Uint8Array, field: number, values: readonly Uint8Array[]): Uint8Array {
  const writer = new BinaryWriter().raw(message);
  for (const value of values) writer.tag(field, WireType.LengthDelimited).bytes(value);
  return writer.finish();
}

function attributeProtos(attributes: Attributes): InstanceType<typeof onnx.AttributeProto>[] {
  const types = onnx.AttributeProto.AttributeType;
  return Object.entries(attributes).map(([name, value]) => {
    if (typeof value === 'number') return onnx.AttributeProto.create({ name, type: types.INT, i: value });
    if (typeof value === 'string') {
      return onnx.AttributeProto.create({ name, type: types.STRING, s: new TextEncoder().encode(value) });
    }
    if ('float' in value) return onnx.AttributeProto.create({ name, type: types.FLOAT, f: value.float });
    return onnx.AttributeProto.create({ name, type: types.INTS, ints: [...value] });
  });
}

function tensorProto(value: Value, names: Names): InstanceType<typeof onnx.TensorProto> {
  if (value.source.kind !== 'constant') throw new Error(`${names.of(value)} is no constant`);
  return onnx.TensorProto.create({
    name: names.of(value),
    dataType: elementTypes[value.type],
    dims: value.shape.map(Number),
    rawData: bytesOf(value.source.data),
  });
}

function valueInfo(name: string, { type, shape }: Value): InstanceType<typeof onnx.ValueInfoProto> {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return onnx.ValueInfoProto.create({ name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } });
}
