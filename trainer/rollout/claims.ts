/**
 * Who does which request of a list that several takers share: worker threads here, rollout workers elsewhere. One state
 * a request, in shared memory [requests]:
 *
 *   free ─ take ─► taken ─ finish ─► done
 *     ▲── release ──┘
 */
export type Claims = Int32Array;

const [free, taken, done] = [0, 1, 2];

export function newClaims(count: number): Claims {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}

/** Takes a request, unless someone else has. */
export function takeClaim(claims: Claims, index: number): boolean {
  return Atomics.compareExchange(claims, index, free, taken) === free;
}

/** Gives a request back that is not done, for anyone to take. */
export function releaseClaim(claims: Claims, index: number): void {
  Atomics.compareExchange(claims, index, taken, free);
}

/** Whoever else still works on the request may drop it. Returns false if it was done before. */
export function finishClaim(claims: Claims, index: number): boolean {
  return Atomics.exchange(claims, index, done) !== done;
}

export function isFree(claims: Claims, index: number): boolean {
  return Atomics.load(claims, index) === free;
}

export function isDone(claims: Claims, index: number): boolean {
  return Atomics.load(claims, index) === done;
}
