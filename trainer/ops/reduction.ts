import { type Shape, ShapeError, sameShape, showShape } from '../graph/shape.ts';
import { type Value, apply, constant, integers } from '../graph/value.ts';
import { reshape, sizes } from './movement.ts';

/** Sum over the given axes, which keep size 1. ONNX `ReduceSum`. */
export function reduceSum(a: Value, axes: readonly number[]): Value {
  return apply(
    'ReduceSum',
    [a, integers(axes)],
    { type: a.type, shape: reduced(a.shape, axes) },
    {
      attributes: { keepdims: 1 },
      gradient: (g) => (g ? [expandTo(g, a)] : []),
    },
  );
}

/** Sum of all elements, shape `[]`. */
export function sum(a: Value): Value {
  return reshape(reduceSum(a, [...a.shape.keys()]), []);
}

/** Largest element along the last axis, which keeps size 1; no gradient. ONNX `ReduceMax`. */
export function reduceMax(a: Value): Value {
  const last = a.shape.length - 1;
  return apply(
    'ReduceMax',
    [a, integers([last])],
    { type: a.type, shape: reduced(a.shape, [last]) },
    {
      attributes: { keepdims: 1 },
    },
  );
}

/** Sums along the last axis up to each element, its own included unless `exclusive`; no gradient. ONNX `CumSum`. */
export function cumulativeSum(a: Value, { exclusive = false } = {}): Value {
  const axis = constant(BigInt64Array.of(BigInt(a.shape.length - 1)), []);
  return apply('CumSum', [a, axis], a, { attributes: { exclusive: exclusive ? 1 : 0 } });
}

/** The first place of the largest element of each row, `[n]` int64; no gradient. ONNX `ArgMax`. */
export function argMax(a: Value): Value {
  return apply(
    'ArgMax',
    [a],
    { type: 'int64', shape: a.shape.slice(0, -1) },
    { attributes: { axis: -1, keepdims: 0 } },
  );
}

/** Repeats axes of size 1 so that `a` has the shape of `like`. ONNX `Expand`. */
export function expandTo(a: Value, like: Value): Value {
  if (sameShape(a.shape, like.shape)) return a;
  return apply(
    'Expand',
    [a, sizes(like)],
    { type: a.type, shape: like.shape },
    {
      gradient: (g) => (g ? [sumTo(g, a.shape)] : []),
    },
  );
}

/** Undoes a broadcast: sums a cotangent over the axes along which `shape` was repeated. */
export function sumTo(g: Value, shape: Shape): Value {
  if (sameShape(g.shape, shape)) return g;
  const missing = g.shape.length - shape.length;
  if (missing < 0) throw new ShapeError(`sum of ${showShape(g.shape)} to ${showShape(shape)}`);
  const axes = [...g.shape.keys()].filter((axis) => axis < missing || shape[axis - missing] !== g.shape[axis]);
  const summed = axes.length > 0 ? reduceSum(g, axes) : g;
  return reshape(summed, shape);
}

function reduced(shape: Shape, axes: readonly number[]): Shape {
  return shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
}
