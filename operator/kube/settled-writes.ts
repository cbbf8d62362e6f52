/**
 * How long a change of a status must have been there before it is written. `now`: someone waits for it, or it must not be
 * lost. `soon`: people will want to see it. `later`: no more than progress.
 */
const settleMs = { now: 0, soon: 1000, later: 5000 };

/**
 * Decides when a status is written: stages that pass through three states in a second are then told of once, and what
 * only progresses costs few writes.
 */
export class SettledWrites {
  private readonly noticed = new Map<string, number>();

  /**
   * Milliseconds until the change is to be written, 0 for now. It may be asked again and again.
   */
  delay(key: string, urgency: keyof typeof settleMs): number {
    const now = performance.now();
    const since = this.noticed.get(key) ?? now;
    this.noticed.set(key, since);
    return Math.max(0, urgency === 'now' ? 0 : since + settleMs[urgency] - now);
  }

  /** It was written, or there is nothing to write any more. */
  settled(key: string): void {
    this.noticed.delete(key);
  }
}
