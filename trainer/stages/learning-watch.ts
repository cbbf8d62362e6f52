import { join } from 'node:path';
import { checkLearning, type LearningCheck, learningReasons } from '../algorithms/learning-check.ts';
import { metricsName } from '../contract/checkpoint.ts';
import { updatesPerRollout } from '../contract/updates-per-rollout.ts';
import { readSeries } from '../report/jsonl.ts';
import type { Metrics } from './metrics.ts';
import type { Warnings } from './warnings.ts';
import type { Workspace } from './workspace.ts';

const watched = [
  'reward',
  'rewards/accuracy/mean',
  'frac_reward_zero_std',
  'abstained_frac',
  'kl',
  'loss',
  'learning_rate',
];

/** Warns as long as a stage seems to learn nothing. Its curves begin where the stage did, attempts before this one included. */
export class LearningWatch {
  private readonly curves: Map<string, { readonly steps: number[]; readonly values: number[] }>;
  private readonly check: Omit<LearningCheck, 'ended'>;
  private readonly warnings: Warnings;

  private constructor(curves: LearningWatch['curves'], check: LearningWatch['check'], warnings: Warnings) {
    this.curves = curves;
    this.check = check;
    this.warnings = warnings;
  }

  static async open({ file, warnings }: Workspace): Promise<LearningWatch> {
    const { grpo } = file.settings;
    const check = {
      stepsPerRollout: grpo ? updatesPerRollout(grpo) : 1,
      groupsPerRollout: grpo ? grpo.promptsPerStep * grpo.stepsPerRollout : 1,
    };
    const series = await readSeries(join(file.out, metricsName));
    const curves = watched.map((name) => [name, series.get(name) ?? { steps: [], values: [] }] as const);
    const watch = new LearningWatch(new Map(curves), check, warnings);
    watch.tell(false); // what an earlier attempt warned of still holds
    return watch;
  }

  /** @param ended it was the last step of the stage */
  see(step: number, metrics: Metrics, ended: boolean): void {
    for (const [name, { steps, values }] of this.curves) {
      const value = metrics[name];
      if (value === undefined) continue;
      steps.push(step);
      values.push(value);
    }
    this.tell(ended);
  }

  private tell(ended: boolean): void {
    const found = checkLearning(this.curves, { ...this.check, ended });
    for (const reason of learningReasons) {
      const finding = found.find((each) => each.reason === reason);
      if (finding) this.warnings.warn(reason, finding.message);
      else this.warnings.withdraw(reason);
    }
  }
}
