import type { Refusal } from '../core/observed.ts';
import type { RefusedError } from './create-owned.ts';

/** What the cluster turned down, by key, until it is asked again. */
export class Refusals {
  private readonly refusals = new Map<string, Refusal>();

  add(key: string, { message, retryAfterMs }: RefusedError): void {
    this.refusals.set(key, { message, until: Date.now() + retryAfterMs });
  }

  /** The refusal that still stands. */
  get(key: string): { readonly refusal?: Refusal } {
    const refusal = this.refusals.get(key);
    if (refusal === undefined) return {};
    if (refusal.until > Date.now()) return { refusal };
    this.refusals.delete(key);
    return {};
  }
}
