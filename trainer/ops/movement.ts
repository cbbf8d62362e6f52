import { elementTypes } from '../graph/encode.ts';
import {
  type Dimension,
  type Shape,
  ShapeError,
  dimension,
  plus,
  sameShape,
  showShape,
  sizeOf,
} from '../graph/shape.ts';
import { type ElementType, type Value, apply, integers } from '../graph/value.ts';

/**
 * The same elements in another shape. A symbolic dimension that stands where it stood stays; at most one other may be
 * symbolic, and takes what the others leave. A view in ONNX Runtime: no data is moved. ONNX `Reshape`.
 */
export function reshape(a: Value, shape: Shape): Value {
  if (sameShape(a.shape, shape)) return a;
  const stays = (size: Dimension, axis: number): boolean => typeof size === 'string' && size === a.shape[axis];
  const symbolic = shape.filter((size, axis) => typeof size === 'string' && !stays(size, axis));
  if (symbolic.length > 1) throw new ShapeError(`Reshape to ${showShape(shape)}: more than one symbolic dimension`);
  if (shape.every((size) => typeof size === 'number') && sizeOf(a.shape) !== sizeOf(shape)) {
    throw new ShapeError(`Reshape: ${showShape(a.shape)} has another number of elements than ${showShape(shape)}`);
  }
  const target = integers(shape.map((size, axis) => (typeof size === 'number' ? size : stays(size, axis) ? 0 : -1)));
  return apply('Reshape', [a, target], { type: a.type, shape }, { gradient: (g) => (g ? [reshape(g, a.shape)] : []) });
}

/** The sizes of `a` as a tensor, `[rank]` int64: a constant if all are fixed, else ONNX `Shape`. */
export function sizes(a: Value): Value {
  if (a.shape.every((size) => typeof size === 'number')) return integers(a.shape);
  return apply('Shape', [a], { type: 'int64', shape: [a.shape.length] });
}

/** Axis `i` of the result is axis `order[i]` of `a`. ONNX `Transpose`. */
export function transpose(a: Value, order: readonly number[]): Value {
  const shape = order.map((axis) => dimension(a.shape, axis));
  return apply(
    'Transpose',
    [a],
    { type: a.type, shape },
    {
      attributes: { perm: order },
      gradient: (g) =>
        g
          ? [
              transpose(
                g,
                [...order.keys()].map((axis) => order.indexOf(axis)),
              ),
            ]
          : [],
    },
  );
}

/** Elements `start … end − 1` of one axis; no gradient. ONNX `Slice`. */
export function slice(a: Value, axis: number, start: number, end: number): Value {
  const shape = a.shape.map((size, index) => (index === axis ? end - start : size));
  return apply('Slice', [a, integers([start]), integers([end]), integers([axis])], { type: a.type, shape });
}

/** The same numbers as another type; no gradient. ONNX `Cast`. */
export function cast(a: Value, type: ElementType): Value {
  return apply('Cast', [a], { type, shape: a.shape }, { attributes: { to: elementTypes[type] } });
}

/** Joins along one axis; no gradient. ONNX `Concat`. */
export function concat(parts: readonly [Value, ...Value[]], axis: number): Value {
  const [{ type, shape: first }] = parts;
  const joined = parts.map(({ shape }) => dimension(shape, axis)).reduce(plus);
  const shape: Dimension[] = first.map((size, index) => (index === axis ? joined : size));
  for (const part of parts) {
    if (!part.shape.every((size, index) => index === axis || size === first[index])) {
      throw new ShapeError(`Concat on axis ${axis}: ${showShape(first)} and ${showShape(part.shape)}`);
    }
  }
  return apply('Concat', parts, { type, shape }, { attributes: { axis } });
}
