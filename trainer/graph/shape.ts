/** A size, or the name of a size that is known only when the program runs, such as the batch `B`. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

/** Shapes that do not fit an op: a bug in the model that builds the graph. */
export class ShapeError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ShapeError';
  }
}

/** `[8, B]`, for messages. */
export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Number of elements. Throws a ShapeError when a dimension is symbolic. */
export function sizeOf(shape: Shape): number {
  return shape.reduce<number>((product, size) => product * fixed(size), 1);
}

/** Product of two dimensions, at most one of them symbolic; of that it is a name again. */
export function times(a: Dimension, b: Dimension): Dimension {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  if (typeof a === 'string' && typeof b === 'string')
    throw new ShapeError(`${a} · ${b}: more than one symbolic dimension`);
  if (a === 1) return b;
  return b === 1 ? a : typeof a === 'string' ? `${a}*${b}` : `${b}*${a}`;
}

/** Sum of two dimensions; with a symbolic one it is a name again. */
export function plus(a: Dimension, b: Dimension): Dimension {
  return typeof a === 'number' && typeof b === 'number' ? a + b : `(${a}+${b})`;
}

/** The dimension as a number. Throws a ShapeError when it is symbolic. */
export function fixed(size: Dimension): number {
  if (typeof size === 'number') return size;
  throw new ShapeError(`dimension ${size}: expected a fixed size`);
}

/** Dimension number `axis`, counted from the end when negative. Throws a ShapeError when there is none. */
export function dimension(shape: Shape, axis: number): Dimension {
  const found = shape.at(axis);
  if (found === undefined) throw new ShapeError(`shape ${showShape(shape)} has no axis ${axis}`);
  return found;
}

/** The shape both broadcast to, by ONNX's multidirectional rule (NumPy's). */
export function broadcastShape(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const left = a[a.length - rank + axis] ?? 1;
    const right = b[b.length - rank + axis] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new ShapeError(`${op}: ${showShape(a)} and ${showShape(b)} do not broadcast`);
    }
    return left === 1 ? right : left;
  });
}
