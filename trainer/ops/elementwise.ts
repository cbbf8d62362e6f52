import { broadcastShape } from '../graph/shape.ts';
import { type Gradient, type Value, apply, scalar } from '../graph/value.ts';
import { sumTo } from './reduction.ts';

/** `a + b`, broadcast. ONNX `Add`. */
export function add(a: Value, b: Value): Value {
  return binary('Add', a, b, (g) => [g, g]);
}

/** `a − b`, broadcast. ONNX `Sub`. */
export function subtract(a: Value, b: Value): Value {
  return binary('Sub', a, b, (g) => [g, negate(g)]);
}

/** `a · b`, broadcast. ONNX `Mul`. */
export function multiply(a: Value, b: Value): Value {
  return binary('Mul', a, b, (g) => [multiply(g, b), multiply(g, a)]);
}

/** `a ÷ b`, broadcast. ONNX `Div`. */
export function divide(a: Value, b: Value): Value {
  const quotient: Value = binary('Div', a, b, (g) => {
    const da = divide(g, b);
    return [da, negate(multiply(da, quotient))]; // y = a/b  ⇒  dy/db = −y/b
  });
  return quotient;
}

/** The smaller of `a` and `b`, broadcast. Where they are equal, `a` has the gradient. ONNX `Min`. */
export function minimum(a: Value, b: Value): Value {
  return binary('Min', a, b, (g) => selected(g, lessOrEqual(a, b)));
}

/** The larger of `a` and `b`, broadcast. Where they are equal, `a` has the gradient. ONNX `Max`. */
export function maximum(a: Value, b: Value): Value {
  return binary('Max', a, b, (g) => selected(g, lessOrEqual(b, a)));
}

/** `a` where the condition holds, else `b`, broadcast. ONNX `Where`. */
export function where(condition: Value, a: Value, b: Value): Value {
  const shape = broadcastShape('Where', condition.shape, broadcastShape('Where', a.shape, b.shape));
  return apply(
    'Where',
    [condition, a, b],
    { type: a.type, shape },
    {
      gradient: (g) => {
        if (g === undefined) return [];
        const [da, db] = selected(g, condition);
        return [undefined, sumTo(da, a.shape), sumTo(db, b.shape)];
      },
    },
  );
}

/** `−a`. ONNX `Neg`. */
export function negate(a: Value): Value {
  return unary('Neg', a, (g) => negate(g));
}

/** `√a`. ONNX `Sqrt`. */
export function squareRoot(a: Value): Value {
  const y: Value = unary('Sqrt', a, (g) => divide(g, add(y, y)));
  return y;
}

/** Natural logarithm. ONNX `Log`. */
export function log(a: Value): Value {
  return unary('Log', a, (g) => divide(g, a));
}

/** Whether `a ≤ b`, broadcast; no gradient. ONNX `LessOrEqual`. */
export function lessOrEqual(a: Value, b: Value): Value {
  return apply('LessOrEqual', [a, b], { type: 'bool', shape: broadcastShape('LessOrEqual', a.shape, b.shape) });
}

/** Whether `a = b`, broadcast; no gradient. ONNX `Equal`. */
export function equal(a: Value, b: Value): Value {
  return apply('Equal', [a, b], { type: 'bool', shape: broadcastShape('Equal', a.shape, b.shape) });
}

function binary(op: string, a: Value, b: Value, gradient: (g: Value) => readonly [Value, Value]): Value {
  const broadcast: Gradient = (g) => {
    if (g === undefined) return [];
    const [da, db] = gradient(g);
    return [sumTo(da, a.shape), sumTo(db, b.shape)];
  };
  return apply(op, [a, b], { type: a.type, shape: broadcastShape(op, a.shape, b.shape) }, { gradient: broadcast });
}

/** An op of one input with an output of the same shape. */
export function unary(op: string, a: Value, gradient: (g: Value) => Value): Value {
  return apply(op, [a], a, { gradient: (g) => (g ? [gradient(g)] : []) });
}

/** The cotangent where the condition holds, and where it does not. */
function selected(g: Value, condition: Value): readonly [Value, Value] {
  const zero = scalar(0);
  return [where(condition, g, zero), where(condition, zero, g)];
}
