/**
 * How long a change of a status must have been there before it is written. `now`: someone waits for it, or it must not be
 * lost. `soon`: people will want to see it. `later`: no more than progress.
 */
const settleMs = { now: 0, soon: 1000, later: 5000 };

/**
 * How many of them at most are written in a second. Where hundreds change at a time nobody follows each, and most have
 * changed again before it is their turn.
 */
const mostPerSecond = 5;
/** A change that nobody has asked about for so long, and longer than it had to wait, was undone. */
const forgottenMs = 30_000;

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
    const turnMs = (1000 * this.noticed.size) / mostPerSecond;
    this.forget(now - 2 * turnMs - forgottenMs);
    const since = this.noticed.get(key) ?? now;
    this.noticed.set(key, since);
    return urgency === 'now' ? 0 : Math.max(0, since + Math.max(settleMs[urgency], turnMs) - now);
  }

  /** It was written, or there is nothing to write any more. */
  settled(key: string): void {
    this.noticed.delete(key);
  }

  private forget(before: number): void {
    for (const [key, since] of this.noticed) {
      if (since >= before) return; // noticed later, as are all that follow
      this.noticed.delete(key);
    }
  }
}
