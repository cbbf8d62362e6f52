/** How long a change of a status must have been there before it is written. `now`: someone waits for it, or it must not be lost. */
export type Urgency = 'now' | Waiting;
/** `soon`: people will want to see it. `later`: no more than progress. */
type Waiting = 'soon' | 'later';

const settleMs = { soon: 500, later: 5000 };
/** A change that nobody has asked about for so long, and longer than it had to wait, was undone. */
const forgottenMs = 30_000;

/**
 * Decides when a status is written: stages that pass through three states in a second are then told of once, and what
 * only progresses costs few writes.
 */
export class SettledWrites {
  private readonly mostPerSecond: number;
  /** When each change was noticed, oldest first. */
  private readonly noticed = { soon: new Map<string, number>(), later: new Map<string, number>() };

  /**
   * @param mostPerSecond how many are written in a second at most, urgent ones apart. Where hundreds change at a time
   * nobody follows each, and most have changed again before it is their turn.
   */
  constructor(mostPerSecond: number) {
    this.mostPerSecond = mostPerSecond;
  }

  /**
   * Milliseconds until the change is to be written, 0 for now. It may be asked again and again.
   */
  delay(key: string, urgency: Urgency): number {
    if (urgency === 'now') return 0;
    const now = performance.now();
    const { soon, later } = this.noticed;
    const since = soon.get(key) ?? later.get(key) ?? now;
    const waiting = urgency === 'soon' || soon.has(key) ? 'soon' : 'later';
    if (waiting === 'soon') later.delete(key);
    this.noticed[waiting].set(key, since);
    // Progress waits until there is nothing else to tell.
    const turnMs = (1000 * (waiting === 'soon' ? soon.size - 1 : soon.size + later.size - 1)) / this.mostPerSecond;
    this.forget(now - (2 * 1000 * (soon.size + later.size)) / this.mostPerSecond - forgottenMs);
    return Math.max(0, since + Math.max(settleMs[waiting], turnMs) - now);
  }

  /** It was written, or there is nothing to write any more. */
  settled(key: string): void {
    this.noticed.soon.delete(key);
    this.noticed.later.delete(key);
  }

  private forget(before: number): void {
    for (const each of Object.values(this.noticed)) {
      for (const [key, since] of each) {
        if (since >= before) break; // noticed later, as are those that follow
        each.delete(key);
      }
    }
  }
}
