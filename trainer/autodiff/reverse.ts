import type { Contribution, Node, Value } from '../graph/value.ts';
import { scalar } from '../graph/value.ts';
import { accumulate } from './accumulate.ts';

/**
 * Reverse-mode differentiation: the gradient of a loss with respect to each of `parameters`.
 *
 * A parameter's gradient is created as soon as the last op that reads the parameter has been passed, so that a program
 * in the order of creation can free what the gradient was made of.
 *
 * @param loss of shape `[]`
 * @throws when the loss does not depend on a parameter, or depends on one through an op without a gradient
 */
export function gradients(loss: Value, parameters: readonly Value[]): Value[] {
  if (loss.shape.length > 0) throw new Error(`gradients of a loss with shape [${loss.shape.join(', ')}], expected []`);
  const cotangents = new Map<Value, Contribution[]>([[loss, [scalar(1)]]]);
  const finished = new Map<Value, Value | undefined>();
  const { nodes, active } = between(parameters, loss);
  const firstReader = firstReaders(parameters, nodes);

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
    for (const parameter of firstReader.get(node) ?? []) finished.set(parameter, cotangentOf(parameter, cotangents));
  }

  return parameters.map((parameter) => {
    const gradient = finished.get(parameter);
    if (gradient !== undefined) return gradient;
    const name = parameter.source.kind === 'input' ? parameter.source.name : 'a parameter';
    throw new Error(`the loss does not depend on ${name}`);
  });
}

/** The parameters that no node before this one reads. */
function firstReaders(parameters: readonly Value[], nodes: readonly Node[]): Map<Node, Value[]> {
  const unread = new Set(parameters);
  return new Map(
    nodes.map((node) => [node, node.inputs.filter((operand) => operand && unread.delete(operand)) as Value[]]),
  );
}

function cotangentOf(value: Value, cotangents: ReadonlyMap<Value, Contribution[]>): Value | undefined {
  const contributions = cotangents.get(value);
  return contributions && accumulate(contributions, value);
}

/** Nodes on the paths from `sources` to `target`, in order of creation, and the values that depend on a source. */
function between(sources: readonly Value[], target: Value): { nodes: Node[]; active: ReadonlySet<Value> } {
  const active = new Set(sources);
  const nodes = ancestors(target).filter((node) => {
    const depends = node.inputs.some((operand) => operand !== undefined && active.has(operand));
    if (depends) for (const output of node.outputs) active.add(output);
    return depends;
  });
  return { nodes, active };
}

/** Every node that `target` depends on, in order of creation. A composite counts as one node. */
function ancestors(target: Value): Node[] {
  const nodes = new Set<Node>();
  const pending = [target];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (value.source.kind !== 'node' || nodes.has(value.source.node)) continue;
    nodes.add(value.source.node);
    for (const operand of value.source.node.inputs) if (operand !== undefined) pending.push(operand);
  }
  return [...nodes].toSorted((a, b) => a.serial - b.serial);
}
