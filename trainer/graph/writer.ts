import onnxProto from 'onnx-proto';
import type { OnnxProgram, Port, PortType } from './program.ts';
import { type Attributes, type ConstantData, type ElementType, type Node, type Value, apply } from './value.ts';

const { onnx } = onnxProto;

/** ONNX 1.17. The kernels' newest versions below this opset are what ORT 1.30 has fastest. */
const opset = 22;
const irVersion = 10;

const elementTypes: Record<ElementType, number> = {
  float32: onnx.TensorProto.DataType.FLOAT,
  int64: onnx.TensorProto.DataType.INT64,
  int32: onnx.TensorProto.DataType.INT32,
  bool: onnx.TensorProto.DataType.BOOL,
};

/**
 * Encodes the part of a graph that the outputs depend on as an ONNX model.
 *
 * @param inputs in the order of the program's inputs; an input that no output depends on is left out
 * @param outputs by name
 */
export function writeProgram(inputs: readonly Value[], outputs: Readonly<Record<string, Value>>): OnnxProgram {
  const results = namedResults(outputs);
  const { nodes, used } = reachable(results.map(([, value]) => value));
  const names = new Names(results);
  const graphInputs = inputs.filter((value) => used.has(value));
  const constants = [...used].filter(({ source }) => source.kind === 'constant');

  const model = onnx.ModelProto.create({
    irVersion,
    producerName: 'r1-trainer',
    opsetImport: [
      { domain: '', version: opset },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: {
      name: 'program',
      node: scheduled(nodes).map((node) => nodeProto(node, names)),
      initializer: uniqueBy(constants, (value) => names.of(value)).map((value) => tensorProto(value, names)),
      input: graphInputs.map((value) => valueInfo(names.of(value), value)),
      output: results.map(([name, value]) => valueInfo(name, value)),
    },
  });
  return {
    bytes: onnx.ModelProto.encode(model).finish(),
    inputs: graphInputs.map((value) => port(names.of(value), value)),
    outputs: results.map(([name, value]) => port(name, value)),
  };
}

/** Outputs with a node of their own to carry the name: an input, a constant, or a second name gets an Identity. */
function namedResults(outputs: Readonly<Record<string, Value>>): (readonly [name: string, value: Value])[] {
  const taken = new Set<Value>();
  return Object.entries(outputs).map(([name, value]) => {
    const resolved = resolve(value);
    const own =
      resolved.source.kind !== 'node' || taken.has(resolved) ? apply('Identity', [resolved], resolved) : resolved;
    taken.add(own);
    return [name, own];
  });
}

/** The value itself, or what it stands for when a composite made it. */
function resolve(value: Value): Value {
  let resolved = value;
  while (resolved.source.kind === 'node' && resolved.source.node.body !== undefined) {
    resolved = resolved.source.node.body[resolved.source.index] as Value;
  }
  return resolved;
}

function reachable(outputs: readonly Value[]): { nodes: Node[]; used: Set<Value> } {
  const used = new Set<Value>();
  const nodes = new Set<Node>();
  const pending = [...outputs];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (used.has(value)) continue;
    used.add(value);
    if (value.source.kind !== 'node' || nodes.has(value.source.node)) continue;
    nodes.add(value.source.node);
    for (const operand of value.source.node.inputs) if (operand !== undefined) pending.push(resolve(operand));
  }
  return { nodes: [...nodes], used };
}

/**
 * Nodes in an order in which each comes after what it reads: as created, then those that nothing reads, last first.
 *
 * ONNX Runtime walks back from the nodes that nothing reads, beginning with the last in the file. In this order it
 * computes a layer's weight gradients as soon as it can, and frees the layer's activations; in the order of creation
 * it leaves all weight gradients to the end and holds the activations of every layer until then.
 */
function scheduled(nodes: readonly Node[]): Node[] {
  const read = new Set(nodes.flatMap((node) => node.inputs.flatMap((value) => (value ? [resolve(value).source] : []))));
  const isRead = (node: Node): boolean => node.outputs.some((value) => read.has(value.source));
  const ordered = nodes.toSorted((a, b) => a.serial - b.serial);
  return [...ordered.filter(isRead), ...ordered.filter((node) => !isRead(node)).toReversed()];
}

/** Names of tensors in the file: ports keep theirs, equal constants share one. */
class Names {
  readonly #names = new Map<Value, string>();
  readonly #constants = new Map<string, { readonly bytes: Buffer; readonly name: string }[]>();

  constructor(results: readonly (readonly [string, Value])[]) {
    for (const [name, value] of results) this.#names.set(value, name);
  }

  of(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = this.#fresh(value);
    this.#names.set(value, name);
    return name;
  }

  #fresh(value: Value): string {
    if (value.source.kind === 'input') return value.source.name;
    const next = `t${this.#names.size}`;
    if (value.source.kind === 'node') return next;
    const bytes = bytesOf(value.source.data);
    const kind = `${value.type} ${value.shape.join()}`;
    const alike = this.#constants.get(kind) ?? [];
    this.#constants.set(kind, alike);
    const equal = alike.find((other) => other.bytes.equals(bytes));
    if (equal === undefined) alike.push({ bytes, name: next });
    return equal?.name ?? next;
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: ConstantData): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}

function nodeProto(node: Node, names: Names): InstanceType<typeof onnx.NodeProto> {
  const output = node.outputs.map((value) => names.of(value));
  return onnx.NodeProto.create({
    name: `${node.op}/${output[0]}`,
    opType: node.op,
    domain: node.domain,
    input: node.inputs.map((value) => (value === undefined ? '' : names.of(resolve(value)))),
    output,
    attribute: attributeProtos(node.attributes),
  });
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

function port(name: string, { type, shape }: Value): Port {
  if (type === 'bool') throw new Error(`${name}: a bool tensor cannot cross the border of a program`);
  return { name, type: type satisfies PortType, shape };
}
