import type { Refusal } from '../../core/observed.ts';
import type { RefusedError } from '../client/create-owned.ts';
import type { Stored, KubeObject } from '../client/resources.ts';

/** The longest wait before the cluster is asked again; the wait doubles with every refusal that needs somebody. */
const longestMs = 300_000;

interface Refused extends Refusal {
  /** Another object, or one with another spec, may ask at once. */
  readonly asked: string;
  readonly times: number;
}

/** What the cluster turned down, by key, until it is asked again. */
export class Refusals {
  private readonly refusals = new Map<string, Refused>();

  add(key: string, object: Stored<KubeObject>, { message, retryAfterMs, passes }: RefusedError): void {
    const asked = version(object);
    const before = this.refusals.get(key);
    const times = before?.asked === asked && !passes ? before.times + 1 : 0;
    const until = Date.now() + Math.min(retryAfterMs * 2 ** times, longestMs);
    this.refusals.set(key, { message, until, asked, times, ...(passes && { passes }) });
  }

  /** The refusal that still stands. */
  get(key: string, object: Stored<KubeObject>): { readonly refusal?: Refusal } {
    const found = this.refusals.get(key);
    if (found === undefined || found.until <= Date.now() || found.asked !== version(object)) return {};
    const { message, until, passes } = found;
    return { refusal: { message, until, ...(passes && { passes }) } };
  }

  /** It was granted, or nobody wants it any more. */
  forget(key: string): void {
    this.refusals.delete(key);
  }
}

function version({ metadata }: Stored<KubeObject>): string {
  return `${metadata.uid} ${metadata.generation}`;
}
