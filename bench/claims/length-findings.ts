import { mean } from '../../trainer/algorithms/statistics.ts';
import { median } from '../report.ts';
import { figure, type Judge, withMedian } from './findings.ts';
import type { StageRecord } from './run-record.ts';

/** At least this much more, as a share, is growth; up to this much length wanders of itself, as the model becomes another one. */
const [grown, still] = [1, 0.25];

/** Claim 4: wrong answers grow where the loss of a completion is divided by its length, not with a constant, and not by chance. */
export const wrongAnswersGrow: Judge = (runs) => {
  const growth = (stage: string) => figure(runs, ({ stages }) => growthOfWrong(stages.get(stage)));
  const [divided, constant, chance] = [growth('per-completion'), growth('constant-divisor'), growth('by-chance')];
  if (divided.length === 0 || constant.length === 0 || chance.length === 0) return undefined;
  return {
    holds: median(divided) >= grown && median(constant) <= still && median(chance) <= still,
    found:
      `length of wrong answers ${percent(divided)} where the loss is divided by length, ${percent(constant)} with Dr. GRPO, ` +
      `${percent(chance)} with a random reward`,
  };
};

/** How much longer wrong answers are in the last tenth of the steps than in the first, as a share. */
function growthOfWrong(stage: StageRecord | undefined): number | undefined {
  const lengths = (stage?.steps ?? []).flatMap((step) => step['completions/mean_length_wrong'] ?? []);
  const tenth = Math.max(1, Math.floor(lengths.length / 10));
  return lengths.length === 0 ? undefined : mean(lengths.slice(-tenth)) / mean(lengths.slice(0, tenth)) - 1;
}

function percent(values: readonly number[]): string {
  return withMedian(values, (value) => `${value < 0 ? '−' : '+'}${Math.abs(value * 100).toFixed(0)} %`);
}
