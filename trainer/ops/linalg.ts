import { type Dimension, type Shape, ShapeError, broadcastShape, dimension, showShape, times } from '../graph/shape.ts';
import { type ElementType, type Value, apply, expectRank, kernel } from '../graph/value.ts';
import { cast, reshape, transpose } from './movement.ts';
import { sumTo } from './reduction.ts';

export interface ProductOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
}

/**
 * `alpha · A·B + C` of matrices, `[m, k] × [k, n] → [m, n]`, each factor transposed on request; C broadcasts. Sums
 * into C cost nothing: residuals and the accumulation of gradients go there. ONNX `Gemm`.
 */
export function gemm(a: Value, b: Value, options: ProductOptions & { readonly c?: Value | undefined } = {}): Value {
  const { transA = false, transB = false, alpha = 1, c } = options;
  expectRank('Gemm', a, 2);
  expectRank('Gemm', b, 2);
  return apply(
    'Gemm',
    c ? [a, b, c] : [a, b],
    { shape: productShape('Gemm', a.shape, b.shape, transA, transB) },
    {
      attributes: { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } },
      // Y = α·A·B + C  ⇒  dA = α·G·Bᵀ, dB = α·Aᵀ·G, dC = G; where a factor was transposed, so is its cotangent
      gradient: (g) => {
        if (g === undefined) return [];
        return [
          {
            onto: (sum) =>
              transA
                ? gemm(b, g, { transA: transB, transB: true, alpha, c: sum })
                : gemm(g, b, { transB: !transB, alpha, c: sum }),
          },
          {
            onto: (sum) =>
              transB
                ? gemm(g, a, { transA: true, transB: transA, alpha, c: sum })
                : gemm(a, g, { transA: !transA, alpha, c: sum }),
          },
          c && sumTo(g, c.shape),
        ];
      },
    },
  );
}

/**
 * A linear layer `x·weightᵀ + c`: x `[n, in]`, weight `[out, in]` as in PyTorch, c `[n, out]`, such as the residual stream. A kernel: its rows
 * have the same bits whatever their number.
 *
 * The type of the weight is the precision of the layer's three products: of one in bfloat16 the other factors are float32 and are rounded
 * to it, and the sums are float32 (autocast of PyTorch rounds these, too).
 *
 * The weight may be panels (`linearPanels`), where no gradient is asked for: the bits are the same.
 */
export function linear(x: Value, weight: Value, c?: Value): Value {
  if (weight.shape.length > 2) return linearPacked(x, weight, c);
  const { type } = weight;
  const inputs = c ? [x, weight, c] : [x, weight];
  const product = gemm(factor(x, type), factor(weight, type), { transB: true, c });
  const [y] = kernel(`Linear${suffixOf(type)}`, inputs, [product], (g) => {
    if (g === undefined) return [];
    return [
      { onto: (sum) => linearInputGradient(g, weight, sum) },
      { onto: (sum) => linearWeightGradient(g, x, { type, c: sum }) },
      c && g,
    ];
  });
  return y as Value;
}

/** Rows of weights that lie side by side in a panel. */
const panelWidths = { float32: 16, bfloat16: 32 } as const;
type PanelType = keyof typeof panelWidths;

export function panelWidth(type: PanelType): number {
  return panelWidths[type];
}

/**
 * The sizes of the panels of a weight `[outputs, inputs]`, the first of which is their number: `[P, inputs, 16]` in float32 and
 * `[P, inputs ÷ 2, 32, 2]` in bfloat16, where two neighbours are a word. Undefined where the weight does not fill them.
 */
export function panelDims(type: PanelType, outputs: number, inputs: number): readonly number[] | undefined {
  const count = outputs / panelWidths[type];
  if (!Number.isInteger(count) || (type === 'bfloat16' && inputs % 2 !== 0)) return undefined;
  return type === 'float32' ? [count, inputs, panelWidths.float32] : [count, inputs / 2, panelWidths.bfloat16, 2];
}

/** Weights of linear layers, `[P, rows of a panel, inputs]`, as panels (`panelDims`): packed once, products read them faster. */
export function linearPanels(weights: Value): Value {
  expectRank('LinearPanels', weights, 3);
  const { type, shape } = weights;
  if (type !== 'bfloat16') return kernel('LinearPanels', [weights], [transpose(weights, [0, 2, 1])])[0] as Value;
  const [count, width, inputs] = shape as [Dimension, Dimension, Dimension];
  const words = reshape(weights, [count, width, typeof inputs === 'number' ? inputs / 2 : `${inputs}/2`, 2]);
  return kernel('LinearPanelsBf16', [weights], [transpose(words, [0, 2, 1, 3])])[0] as Value;
}

function linearPacked(x: Value, panels: Value, c?: Value): Value {
  const { type, shape } = panels;
  const inputs = c ? [x, panels, c] : [x, panels];
  const columns = type === 'bfloat16' ? transpose(cast(panels, 'float32'), [1, 3, 0, 2]) : transpose(panels, [1, 0, 2]);
  const outputs = times(dimension(shape, 0), dimension(shape, 2));
  const matrix = reshape(columns, [times(dimension(shape, 1), shape[3] ?? 1), outputs]);
  return kernel(`LinearPacked${suffixOf(type)}`, inputs, [gemm(factor(x, type), matrix, { c })])[0] as Value;
}

/** `g·weight + c`, `[n, in]`: the cotangent of the input of a linear layer from that of its output, g `[n, out]`. */
export function linearInputGradient(g: Value, weight: Value, c?: Value): Value {
  const { type } = weight;
  const inputs = c ? [g, weight, c] : [g, weight];
  const product = gemm(factor(g, type), factor(weight, type), { c });
  return kernel(`LinearInputGradient${suffixOf(type)}`, inputs, [product])[0] as Value;
}

/**
 * `gᵀ·x + c`, `[out, in]`: the cotangent of its weight, in float32. The result may lie in the memory of c, the sum so far.
 *
 * @param of.type of the weight
 */
export function linearWeightGradient(
  g: Value,
  x: Value,
  { type, c }: { readonly type: ElementType; readonly c?: Value | undefined },
): Value {
  const inputs = c ? [g, x, c] : [g, x];
  const product = gemm(factor(g, type), factor(x, type), { transA: true, c });
  return kernel(`LinearWeightGradient${suffixOf(type)}`, inputs, [product])[0] as Value;
}

/** Of the kernels of a precision. */
function suffixOf(type: ElementType): string {
  return type === 'bfloat16' ? 'Bf16' : '';
}

/** A factor as it enters a product of this precision: the product of two numbers of bfloat16 has no error in float32. */
function factor(value: Value, type: ElementType): Value {
  if (type !== 'bfloat16') return value;
  return cast(value.type === type ? value : cast(value, type), 'float32');
}

/**
 * `alpha · A·B` of the last two axes, `[…, m, k] × […, k, n] → […, m, n]`, each factor transposed on request; the axes
 * before broadcast. `FusedMatMul` of com.microsoft: no transposed copy, no pass for the factor.
 */
export function batchedMatmul(a: Value, b: Value, options: ProductOptions = {}): Value {
  const { transA = false, transB = false, alpha = 1 } = options;
  return apply(
    'FusedMatMul',
    [a, b],
    { shape: productShape('FusedMatMul', a.shape, b.shape, transA, transB) },
    {
      domain: 'com.microsoft',
      attributes: { transA: Number(transA), transB: Number(transB), alpha: { float: alpha } },
      // as for Gemm, in every batch
      gradient: (g) => {
        if (g === undefined) return [];
        const da = transA
          ? batchedMatmul(b, g, { transA: transB, transB: true, alpha })
          : batchedMatmul(g, b, { transB: !transB, alpha });
        const db = transB
          ? batchedMatmul(g, a, { transA: true, transB: transA, alpha })
          : batchedMatmul(a, g, { transA: !transA, alpha });
        return [sumTo(da, a.shape), sumTo(db, b.shape)];
      },
    },
  );
}

function productShape(op: string, a: Shape, b: Shape, transA: boolean, transB: boolean): Shape {
  const [m, k] = [dimension(a, transA ? -1 : -2), dimension(a, transA ? -2 : -1)];
  const [kOfB, n] = [dimension(b, transB ? -1 : -2), dimension(b, transB ? -2 : -1)];
  if (k !== kOfB) {
    const [left, right] = [showShape(a) + (transA ? 'ᵀ' : ''), showShape(b) + (transB ? 'ᵀ' : '')];
    throw new ShapeError(`${op}: ${left} × ${right}: inner dimensions differ`);
  }
  return [...broadcastShape(op, a.slice(0, -2), b.slice(0, -2)), m, n];
}
