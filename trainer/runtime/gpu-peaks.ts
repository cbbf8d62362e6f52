import type { Precision } from '../contract/settings/training.ts';

/**
 * Peak of dense products in 10¹² operations a second, from NVIDIA's data sheets: of tensor cores in bfloat16 (half of what a sheet gives
 * "with sparsity"), and of float32 without them, as products of f32 here are those of f32. The first name that is found counts.
 */
const peaks: readonly (readonly [name: RegExp, teraFlops: Record<Precision, number>])[] = [
  [/\bB200\b/, { bf16: 2250, f32: 75 }],
  [/\bH100 PCIe\b/, { bf16: 756, f32: 51 }],
  [/\bH[12]00 NVL\b/, { bf16: 835, f32: 60 }],
  [/\b(H100|H200|GH200)\b/, { bf16: 989, f32: 67 }],
  [/\bA100\b/, { bf16: 312, f32: 19.5 }],
  [/\bA30\b/, { bf16: 165, f32: 10.3 }],
  [/\bA10\b/, { bf16: 125, f32: 31.2 }],
  [/\bA40\b/, { bf16: 149.7, f32: 37.4 }],
  [/\bL40S\b/, { bf16: 362, f32: 91.6 }],
  [/\bL4\b/, { bf16: 121, f32: 30.3 }],
];

/**
 * Operations a second that a GPU can do at most.
 *
 * @param name as its driver says it
 * @returns undefined for one that is not in the table, and for a part of one, whose share its name does not tell exactly
 */
export function peakFlops(name: string, precision: Precision): number | undefined {
  if (/\bMIG\b/.test(name)) return undefined;
  const teraFlops = peaks.find(([pattern]) => pattern.test(name))?.[1][precision];
  return teraFlops === undefined ? undefined : teraFlops * 1e12;
}
