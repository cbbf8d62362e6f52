import { kernelDomain, type Node, type Value } from './value.ts';

/** The part of a graph that some outputs depend on. */
export interface Part {
  readonly nodes: readonly Node[];
  /** All that is read or put out, the inputs among them. */
  readonly used: ReadonlySet<Value>;
}

/** Where ops are being written: a file, or the body of a kernel. */
export interface Scope {
  /** Values that are given: nobody asks how they were made. */
  readonly known: ReadonlySet<Value>;
  /** Whether a kernel may stand here. In a body it may not: ONNX Runtime does not find the functions of functions that have overloads. */
  readonly kernels: boolean;
}

/** The value itself, or what it stands for when a composite made it. */
export function resolve(value: Value, { known, kernels }: Scope): Value {
  let resolved = value;
  while (!known.has(resolved) && resolved.source.kind === 'node') {
    const { node, index }: { node: Node; index: number } = resolved.source;
    if (node.body === undefined || (kernels && node.domain === kernelDomain)) break;
    resolved = node.body[index] as Value;
  }
  return resolved;
}

export function reachable(outputs: readonly Value[], scope: Scope): Part {
  const used = new Set<Value>();
  const nodes = new Set<Node>();
  const pending = [...outputs];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (used.has(value)) continue;
    used.add(value);
    if (scope.known.has(value) || value.source.kind !== 'node' || nodes.has(value.source.node)) continue;
    nodes.add(value.source.node);
    for (const operand of value.source.node.inputs) if (operand) pending.push(resolve(operand, scope));
  }
  return { nodes: scheduled([...nodes], scope), used };
}

/**
 * Nodes in an order in which each comes after what it reads: as created, then those that nothing reads, last first.
 *
 * ONNX Runtime walks back from the nodes that nothing reads, beginning with the last in the file. In this order it
 * computes a layer's weight gradients as soon as it can, and frees the layer's activations; in the order of creation
 * it leaves all weight gradients to the end and holds the activations of every layer until then.
 */
function scheduled(nodes: readonly Node[], scope: Scope): Node[] {
  const read = new Set(
    nodes.flatMap((node) => node.inputs.flatMap((value) => (value ? [resolve(value, scope).source] : []))),
  );
  const isRead = (node: Node): boolean => node.outputs.some((value) => read.has(value.source));
  const ordered = nodes.toSorted((a, b) => a.serial - b.serial);
  return [...ordered.filter(isRead), ...ordered.filter((node) => !isRead(node)).toReversed()];
}
