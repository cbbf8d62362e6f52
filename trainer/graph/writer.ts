import { elementTypes, encodeModel, encodeNode } from './encode.ts';
import { constantsOf, Functions, opsets, ownNode } from './functions.ts';
import { Names } from './names.ts';
import type { OnnxProgram, Port, PortType } from './program.ts';
import { reachable, resolve, type Scope } from './reachable.ts';
import { apply, input, type Node, type Value } from './value.ts';

const file: Scope = { known: new Set(), kernels: true };

/**
 * Encodes the part of a graph that the outputs depend on as an ONNX model.
 *
 * @param inputs in the order of the program's inputs; an input that no output depends on is left out
 * @param outputs by name
 */
export function writeProgram(inputs: readonly Value[], outputs: Readonly<Record<string, Value>>): OnnxProgram {
  const results = namedResults(outputs);
  const program = encode(inputs, results, []);
  const bfloat16 = inputs.filter(({ type }) => type === 'bfloat16');
  if (bfloat16.length === 0) return program;
  return { ...program, inFloat32: () => encode(inputs, results.map(inFloat32), bfloat16.map(roundedInput)) };
}

type NamedValue = readonly [name: string, value: Value];

function encode(
  inputs: readonly Value[],
  results: readonly NamedValue[],
  rounded: readonly RoundedInput[],
): OnnxProgram {
  const { nodes, used } = reachable(
    results.map(([, value]) => value),
    file,
  );
  const names = new Names([...results, ...rounded.map(({ name, stands }) => [`${name}.rounded`, stands] as const)]);
  const functions = new Functions();
  const graphInputs = inputs
    .filter((value) => used.has(value))
    .map((value) => rounded.find(({ stands }) => stands === value)?.given ?? value);
  const encodedNodes = [
    ...rounded
      .filter(({ stands }) => used.has(stands))
      .map(({ name, node }) => encodeNode({ node, inputs: [name], outputs: [`${name}.rounded`] })),
    ...nodes.map((node) => functions.encode(node, names, file)),
  ];
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

function inFloat32([name, value]: NamedValue): NamedValue {
  const { type, shape } = value;
  if (type !== 'bfloat16') return [name, value];
  return [name, apply('Cast', [value], { shape }, { attributes: { to: elementTypes.float32 } })];
}

/** What a bfloat16 input is made of where it is given in float32. */
interface RoundedInput {
  readonly name: string;
  readonly given: Value;
  readonly node: Node;
  /** The input that it stands for. */
  readonly stands: Value;
}

function roundedInput(stands: Value): RoundedInput {
  const { source, shape, type } = stands;
  if (source.kind !== 'input') throw new Error('found a value that is computed, expected an input');
  const given = input(source.name, shape);
  const cast = apply('Cast', [given], { type, shape }, { attributes: { to: elementTypes[type] } });
  return { name: source.name, given, node: (cast.source as { readonly node: Node }).node, stands };
}

/** Outputs with a node of their own to carry the name: an input, a constant, or a second name gets an Identity. */
function namedResults(outputs: Readonly<Record<string, Value>>): NamedValue[] {
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
