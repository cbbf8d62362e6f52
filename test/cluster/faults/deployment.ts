import { once } from 'node:events';
import { startOperator, type OperatorOptions, type RunningOperator } from '../support/operator.ts';

/** Keeps one operator running, as a Deployment does: one that ends is followed by another. */
export class Deployment implements AsyncDisposable {
  private readonly options: OperatorOptions;
  /** The one that runs now, or ran last. */
  operator: RunningOperator;
  private started = 1;
  private stopped = false;

  private constructor(options: OperatorOptions, operator: RunningOperator) {
    this.options = options;
    this.operator = operator;
    void this.follow();
  }

  static async start(options: OperatorOptions): Promise<Deployment> {
    return new Deployment(options, await startOperator(options));
  }

  /** How many have ended. */
  get restarts(): number {
    return this.started - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true;
    await this.operator.kill();
  }

  private async follow(): Promise<void> {
    while (!this.stopped) {
      // oxlint-disable no-await-in-loop -- one after the other
      await once(this.operator.process, 'exit');
      if (this.stopped) return;
      this.operator = await startOperator(this.options);
      this.started++;
      // oxlint-enable no-await-in-loop
    }
  }
}
