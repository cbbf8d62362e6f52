import type { Shape } from './shape.ts';

/** Element types that cross the border of a program. */
export type PortType = 'float32' | 'bfloat16' | 'float64' | 'int64' | 'int32';

/** A named input or output of a program. A symbolic dimension (a string) may differ from run to run. */
export interface Port {
  readonly name: string;
  readonly type: PortType;
  readonly shape: Shape;
}

/** An encoded ONNX model with its interface. */
export interface OnnxProgram {
  readonly bytes: Uint8Array;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Where it has bfloat16 inputs: the same program with float32 in place of these, which it rounds itself, and of bfloat16 outputs. */
  readonly inFloat32?: () => OnnxProgram;
}
