/** How long a change of a status must have been there before it is written, unless it is urgent. */
const settleMs = 1000;

/**
 * Decides when a status is written. What only progresses may wait a second: stages that pass through three states in
 * that time are then told of once, and no status is written more than once a second without need.
 */
export class SettledWrites {
  private readonly noticed = new Map<string, number>();

  /**
   * @param urgent someone waits for it, or it must not be lost
   * @returns milliseconds until it is to be written, 0 for now
   */
  delay(key: string, urgent: boolean): number {
    const now = performance.now();
    const since = this.noticed.get(key) ?? now;
    this.noticed.set(key, since);
    return urgent ? 0 : Math.max(0, since + settleMs - now);
  }

  /** It was written, or there is nothing to write any more. */
  settled(key: string): void {
    this.noticed.delete(key);
  }
}
