import type { Budget } from '../api/resources/scheduling.ts';
import type { Spending } from './attempts.ts';

/** Why a budget is spent, in words; nothing while it lasts. */
export function exhausted(budget: Budget | undefined, { runSeconds, gpuHours }: Spending): string | undefined {
  if (budget?.hours !== undefined && runSeconds >= budget.hours * 3600) {
    return `the budget of ${budget.hours} hours is spent`;
  }
  if (budget?.gpuHours !== undefined && gpuHours >= budget.gpuHours && gpuHours > 0) {
    return `the budget of ${budget.gpuHours} GPU hours is spent`;
  }
  return undefined;
}

/**
 * Milliseconds until a budget is spent; Infinity if it never is at this rate.
 *
 * @param rate what is spent in a second
 */
export function lastsForMs(budget: Budget | undefined, spent: Spending, rate: Spending): number {
  const hours = budget?.hours === undefined ? Infinity : budget.hours * 3600 - spent.runSeconds;
  const gpuHours = budget?.gpuHours === undefined ? Infinity : budget.gpuHours - spent.gpuHours;
  return 1000 * Math.min(timeFor(hours, rate.runSeconds), timeFor(gpuHours, rate.gpuHours));
}

function timeFor(amount: number, rate: number): number {
  return rate === 0 ? Infinity : amount / rate;
}
