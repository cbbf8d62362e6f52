import { encodeConstant, encodeFunction, encodeNode, overloaded, type OpsetImport } from './encode.ts';
import { Names } from './names.ts';
import { reachable, resolve, type Scope } from './reachable.ts';
import { apply, kernelDomain, type Node, type Value } from './value.ts';

/**
 * What every file and function is written against: the ops of ONNX 1.17, whose kernels ORT 1.30 has fastest, and those of ONNX Runtime and
 * of our own.
 */
export const opsets: readonly OpsetImport[] = [
  { domain: '', version: 22 },
  { domain: 'com.microsoft', version: 1 },
  { domain: kernelDomain, version: 1 },
];

/** The bodies of a file's kernels. Kernels of one name have a function each where their bodies differ, as they do for other shapes. */
export class Functions {
  readonly #byName = new Map<string, { readonly body: Uint8Array; readonly overload: string }[]>();
  readonly #encoded: Uint8Array[] = [];

  get encoded(): readonly Uint8Array[] {
    return this.#encoded;
  }

  /** Encodes a node; of a kernel its body, too. */
  encode(node: Node, names: Names, scope: Scope): Uint8Array {
    return encodeNode({
      node,
      inputs: node.inputs.map((value) => (value ? names.of(resolve(value, scope)) : '')),
      outputs: node.outputs.map((value) => names.of(value)),
      overload: node.body && this.#overloadOf(node, node.body),
    });
  }

  #overloadOf(node: Node, results: readonly Value[]): string {
    const body = this.#body(node, results);
    const alike = this.#byName.get(node.op) ?? [];
    this.#byName.set(node.op, alike);
    const equal = alike.find((other) => Buffer.compare(other.body, body) === 0);
    if (equal !== undefined) return equal.overload;
    const overload = String(alike.length);
    alike.push({ body, overload });
    this.#encoded.push(overloaded(body, overload));
    return overload;
  }

  #body(node: Node, results: readonly Value[]): Uint8Array {
    const operands = node.inputs.flatMap((value, index) => (value ? [[`in${index}`, value] as const] : []));
    const known = new Set(operands.map(([, value]) => value));
    const scope = { known, kernels: false };
    const outputs = results.map((value, index) => [`out${index}`, ownNode(resolve(value, scope), known)] as const);
    const { nodes, used } = reachable(
      outputs.map(([, value]) => value),
      scope,
    );
    const names = new Names([...operands, ...outputs]);
    const foreign = [...used].find((value) => value.source.kind === 'input' && !known.has(value));
    if (foreign !== undefined)
      throw new Error(`${node.op}: its body reads ${names.of(foreign)}, which is none of its inputs`);
    return encodeFunction({
      name: node.op,
      domain: node.domain,
      inputs: node.inputs.map((_, index) => `in${index}`),
      outputs: outputs.map(([name]) => name),
      opsets,
      nodes: [
        ...constantsOf(used, names, known).map((value) => encodeConstant(value, names)),
        ...nodes.map((inner) => this.encode(inner, names, scope)),
      ],
    });
  }
}

/** The constants that are used and not given. Equal ones have one name, and are written once. */
export function constantsOf(used: ReadonlySet<Value>, names: Names, known: ReadonlySet<Value>): Value[] {
  const constants = [...used].filter((value) => value.source.kind === 'constant' && !known.has(value));
  return [...new Map(constants.map((value) => [names.of(value), value])).values()];
}

/** A value with a node of its own to carry a name: what is given, or constant, gets an Identity. */
export function ownNode(value: Value, known: ReadonlySet<Value>): Value {
  return value.source.kind === 'node' && !known.has(value) ? value : apply('Identity', [value], value);
}
