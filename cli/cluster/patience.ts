import { ClusterError } from './cluster-error.ts';

/** How long a cluster may give no answer, as while its control plane is upgraded. */
const longestMs = 10 * 60_000;

/** Bears outages of a cluster for a while, for commands that look again and again. */
export class Patience {
  private since: number | undefined;

  /** @returns whether an outage is over */
  answered(): boolean {
    const wasOut = this.since !== undefined;
    this.since = undefined;
    return wasOut;
  }

  /**
   * @returns whether the outage is new
   * @throws the error when it is none, or one that lasts
   */
  bear(error: unknown): boolean {
    if (!(error instanceof ClusterError && error.isPassing)) throw error;
    const now = performance.now();
    if (this.since === undefined) {
      this.since = now;
      return true;
    }
    if (now - this.since > longestMs) throw error;
    return false;
  }
}
