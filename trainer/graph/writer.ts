import { encodeModel } from './encode.ts';
import { constantsOf, Functions, opsets, ownNode } from './functions.ts';
import { Names } from './names.ts';
import type { OnnxProgram, Port, PortType } from './program.ts';
import { reachable, resolve, type Scope } from './reachable.ts';
import type { Value } from './value.ts';

const file: Scope = { known: new Set(), kernels: true };

/**
 * Encodes the part of a graph that the outputs depend on as an ONNX model.
 *
 * @param inputs in the order of the program's inputs; an input that no output depends on is left out
 * @param outputs by name
 */
export function writeProgram(inputs: readonly Value[], outputs: Readonly<Record<string, Value>>): OnnxProgram {
  const results = namedResults(outputs);
  const { nodes, used } = reachable(
    results.map(([, value]) => value),
    file,
  );
  const names = new Names(results);
  const functions = new Functions();
  const graphInputs = inputs.filter((value) => used.has(value));
  const encodedNodes = nodes.map((node) => functions.encode(node, names, file));
  return {
    bytes: encodeModel(
      {
        opsets,
        nodes: encodedNodes,
        functions: functions.encoded,
        constants: constantsOf(used, names, file.known),
        inputs: graphInputs,
        outputs: results.map(([, value]) => value),
      },
      names,
    ),
    inputs: graphInputs.map((value) => port(names.of(value), value)),
    outputs: results.map(([name, value]) => port(name, value)),
  };
}

/** Outputs with a node of their own to carry the name: an input, a constant, or a second name gets an Identity. */
function namedResults(outputs: Readonly<Record<string, Value>>): (readonly [name: string, value: Value])[] {
  const taken = new Set<Value>();
  return Object.entries(outputs).map(([name, value]) => {
    const own = ownNode(resolve(value, file), taken);
    taken.add(own);
    return [name, own];
  });
}

function port(name: string, { type, shape }: Value): Port {
  if (type === 'bool') throw new Error(`${name}: a bool tensor cannot cross the border of a program`);
  return { name, type: type satisfies PortType, shape };
}
