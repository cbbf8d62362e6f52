import type { Contribution, Node, Value } from '../graph/value.ts';
import { scalar } from '../graph/value.ts';
import { accumulate } from './accumulate.ts';

/**
 * The gradient of a loss with respect to each of `parameters`.
 *
 * @param loss of shape `[]`
 * @throws when the loss does not depend on a parameter, or depends on one through an op without a gradient
 */
export function gradients(loss: Value, parameters: readonly Value[]): Value[] {
  if (loss.shape.length > 0) throw new Error(`gradients of a loss with shape [${loss.shape.join(', ')}], expected []`);
  return pullback(new Map([[loss, scalar(1)]]), parameters);
}

/**
 * Reverse-mode differentiation: the cotangent of each of `sources` from those of some results. With `sums`, a source's
 * cotangent is added onto what is given for it.
 *
 * A source's cotangent is created as soon as the last op that reads the source has been passed, so that a program in
 * the order of creation can free what the cotangent was made of.
 *
 * @throws when no result depends on a source, or one does through an op without a gradient
 */
export function pullback(
  results: ReadonlyMap<Value, Value>,
  sources: readonly Value[],
  sums: ReadonlyMap<Value, Value> = new Map(),
): Value[] {
  const cotangents = new Map<Value, Contribution[]>();
  for (const [value, given] of [...sums, ...results]) cotangents.set(value, [given]);
  const finished = new Map<Value, Value | undefined>();
  const { nodes, active } = between(sources, [...results.keys()]);
  const firstReader = firstReaders(sources, nodes);

  for (const node of nodes.toReversed()) {
    const arrived = node.outputs.map((output) => cotangentOf(output, cotangents));
    if (arrived.some((cotangent) => cotangent !== undefined)) {
      if (node.gradient === undefined) throw new Error(`${node.op} has no gradient`);
      for (const [index, cotangent] of node.gradient(...arrived).entries()) {
        const operand = node.inputs[index];
        if (cotangent === undefined || operand === undefined || !active.has(operand)) continue;
        cotangents.set(operand, (cotangents.get(operand) ?? []).concat(cotangent));
      }
    }
    for (const source of firstReader.get(node) ?? []) finished.set(source, cotangentOf(source, cotangents));
  }

  return sources.map((source) => {
    const cotangent = finished.get(source);
    if (cotangent !== undefined && sums.get(source) !== cotangent) return cotangent;
    const name = source.source.kind === 'input' ? source.source.name : 'a parameter';
    throw new Error(`the loss does not depend on ${name}`);
  });
}

/** The sources that no node before this one reads. */
function firstReaders(sources: readonly Value[], nodes: readonly Node[]): Map<Node, Value[]> {
  const unread = new Set(sources);
  return new Map(
    nodes.map((node) => [node, node.inputs.filter((operand) => operand && unread.delete(operand)) as Value[]]),
  );
}

function cotangentOf(value: Value, cotangents: ReadonlyMap<Value, Contribution[]>): Value | undefined {
  const contributions = cotangents.get(value);
  return contributions && accumulate(contributions, value);
}

/** Nodes on the paths from `sources` to `targets`, in order of creation, and the values that depend on a source. */
function between(sources: readonly Value[], targets: readonly Value[]): { nodes: Node[]; active: ReadonlySet<Value> } {
  const active = new Set(sources);
  const nodes = ancestors(targets).filter((node) => {
    const depends = node.inputs.some((operand) => operand !== undefined && active.has(operand));
    if (depends) for (const output of node.outputs) active.add(output);
    return depends;
  });
  return { nodes, active };
}

/** Every node that `targets` depend on, in order of creation. A composite counts as one node. */
function ancestors(targets: readonly Value[]): Node[] {
  const nodes = new Set<Node>();
  const pending = [...targets];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (value.source.kind !== 'node' || nodes.has(value.source.node)) continue;
    nodes.add(value.source.node);
    for (const operand of value.source.node.inputs) if (operand !== undefined) pending.push(operand);
  }
  return [...nodes].toSorted((a, b) => a.serial - b.serial);
}
