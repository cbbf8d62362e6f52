import { join } from 'node:path';
import {
  LearningCheck,
  type LearningMetrics,
  isLearningMetric,
  type LearningReason,
  learningReasons,
} from '../../algorithms/learning-check.ts';
import { metricsName } from '../../contract/files/checkpoint.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { readSeries, type Series } from '../../report/jsonl.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Warnings } from '../workspace/warnings.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Warns as long as a stage seems to learn nothing. Its curves begin where the stage did, attempts before this one included. */
export class LearningWatch {
  private readonly check: LearningCheck;
  private readonly warnings: Warnings;
  private readonly reasons: readonly LearningReason[];

  private constructor(check: LearningCheck, warnings: Warnings, reasons: readonly LearningReason[]) {
    this.check = check;
    this.warnings = warnings;
    this.reasons = reasons;
  }

  static async open({ file, warnings }: Workspace): Promise<LearningWatch> {
    const { grpo } = file.settings;
    const check = new LearningCheck({
      stepsPerRollout: grpo ? updatesPerRollout(grpo) : 1,
      groupsPerRollout: grpo ? grpo.promptsPerStep * grpo.stepsPerRollout : 1,
    });
    for (const [step, metrics] of byStep(await readSeries(join(file.out, metricsName)))) check.see(step, metrics);
    // A teacher says something of every completion, also where rewards say nothing.
    const reasons = learningReasons.filter((reason) => grpo?.distillation === undefined || reason !== 'NoSignal');
    const watch = new LearningWatch(check, warnings, reasons);
    watch.tell(false); // what an earlier attempt warned of still holds
    return watch;
  }

  /** @param ended it was the last step of the stage */
  see(step: number, metrics: Metrics, ended: boolean): void {
    this.check.see(step, metrics);
    this.tell(ended);
  }

  private tell(ended: boolean): void {
    const found = this.check.findings(ended);
    for (const reason of this.reasons) {
      const finding = found.find((each) => each.reason === reason);
      if (finding) this.warnings.warn(reason, finding.message);
      else this.warnings.withdraw(reason);
    }
  }
}

/** The figures of each step, in the order of the steps. */
function byStep(series: Series): [step: number, metrics: LearningMetrics][] {
  const all = new Map<number, Record<string, number>>();
  for (const [name, { steps, values }] of series) {
    if (!isLearningMetric(name)) continue;
    for (const [at, step] of steps.entries()) all.set(step, { ...all.get(step), [name]: values[at] as number });
  }
  return [...all].toSorted(([a], [b]) => a - b);
}
