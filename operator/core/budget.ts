import type { Budget } from '../api/scheduling.ts';

/** Why a budget is spent, in words; nothing while it lasts. */
export function exhausted(
  budget: Budget | undefined,
  { runSeconds, gpuHours }: { readonly runSeconds: number; readonly gpuHours: number },
): string | undefined {
  if (budget?.hours !== undefined && runSeconds >= budget.hours * 3600) {
    return `the budget of ${budget.hours} hours is spent`;
  }
  if (budget?.gpuHours !== undefined && gpuHours >= budget.gpuHours && gpuHours > 0) {
    return `the budget of ${budget.gpuHours} GPU hours is spent`;
  }
  return undefined;
}
