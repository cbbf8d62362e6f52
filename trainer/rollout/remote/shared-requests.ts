import { randomUUID } from 'node:crypto';
import { type Claims, finishClaim, isDone, isFree, newClaims, releaseClaim, takeClaim } from '../claims.ts';
import type { Completion, GenerationRequest } from '../requests.ts';
import { completionProblem, equalCompletions, longestCompletion, type ModelLimits } from './check-completion.ts';
import type { Placed } from './protocol.ts';

/** A worker as far as the requests are concerned. */
export interface Borrower {
  /** One of its completions was found equal to the learner's own, to the bit. */
  trusted: boolean;
  /** Its completions are not those of the learner to the bit, and are wanted all the same. */
  readonly mismatched: boolean;
}

export interface Lease<W extends Borrower> {
  readonly id: string;
  readonly worker: W;
  readonly indices: readonly number[];
  /** Those not yet delivered. */
  readonly open: Set<number>;
  expiresAt: number;
}

/** What a worker has delivered before its first completion was compared with the learner's own. */
interface Trial {
  readonly held: Map<number, Completion>;
  /** The one that the learner samples, too. */
  readonly proof: number;
}

/** Why a worker is refused whose completion was sampled otherwise, before it or after it. */
export const differs = "a completion of it is not equal to the bit to the learner's";

/** A worker delivered what it cannot have sampled with the learner's parameters. */
export class RefusedDelivery extends Error {}

/**
 * The requests of one generation, shared by the learner and its rollout workers. Each is done by whoever takes it; where
 * two do the same, the first one counts, and the second must be equal to the bit. Nothing here looks at a clock: `now` in
 * milliseconds is given.
 *
 * A worker that is not trusted yet is on trial: what it delivers waits until the learner has sampled one of it itself. One that is known to
 * differ is not tried, and proves nothing of others.
 */
export class SharedRequests<W extends Borrower> {
  readonly requests: readonly GenerationRequest[];
  readonly claims: Claims;
  readonly #limits: ModelLimits;
  readonly #completions: (Completion | undefined)[];
  readonly #leases = new Map<string, Lease<W>>();
  readonly #trials = new Map<W, Trial>();
  /** Done by workers that differ. */
  readonly #mismatched = new Set<number>();
  #left: number;

  constructor(requests: readonly GenerationRequest[], limits: ModelLimits) {
    this.requests = requests;
    this.claims = newClaims(requests.length);
    this.#limits = limits;
    this.#completions = requests.map(() => undefined);
    this.#left = requests.length;
  }

  get complete(): boolean {
    return this.#left === 0;
  }

  /** Indices that anyone may take. */
  get free(): number[] {
    return [...this.requests.keys()].filter((index) => isFree(this.claims, index));
  }

  /** In the order of the requests, once complete. */
  get completions(): Completion[] {
    return this.#completions.map((completion) => completion as Completion);
  }

  lease(id: string): Lease<W> | undefined {
    return this.#leases.get(id);
  }

  /** Most bytes of tokens and probabilities that a delivery of this lease may hold. */
  bytesOf(lease: Lease<W>): number {
    const tokens = lease.indices.map((index) =>
      longestCompletion(this.requests[index] as GenerationRequest, this.#limits),
    );
    return 8 * tokens.reduce((sum, count) => sum + count, 0);
  }

  /** Lends requests from the end of the list (the learner begins at its start); nothing if none is free. */
  lend(worker: W, most: number, expiresAt: number): Lease<W> | undefined {
    const proofs = this.#proofs();
    const indices: number[] = [];
    for (let index = this.requests.length - 1; index >= 0 && indices.length < most; index--) {
      // What proves one worker must not come from another one.
      if (!proofs.has(index) && takeClaim(this.claims, index)) indices.push(index);
    }
    if (indices.length === 0) return undefined;
    const lease = { id: randomUUID(), worker, indices, open: new Set(indices), expiresAt };
    this.#leases.set(lease.id, lease);
    return lease;
  }

  /**
   * Takes what a worker has sampled.
   *
   * @returns workers on trial that this proves to be wrong; they are dropped
   * @throws RefusedDelivery if this worker is wrong
   */
  deliver(lease: Lease<W>, completions: readonly Placed[]): W[] {
    const { worker, open } = lease;
    const wrong: W[] = [];
    for (const { index, completion } of completions) {
      const request = this.requests[index];
      if (!request || !open.has(index)) throw new RefusedDelivery(`request ${index} was not asked of it, or is done`);
      const problem = completionProblem(completion, request, this.#limits);
      if (problem !== undefined) throw new RefusedDelivery(`request ${index} has ${problem}`);
      const known = this.#completions[index];
      if (known === undefined || worker.mismatched || this.#mismatched.has(index)) continue;
      if (!equalCompletions(known, completion)) throw new RefusedDelivery(differs);
      wrong.push(...this.#trust(worker));
    }
    for (const { index } of completions) open.delete(index);
    if (open.size === 0) this.#leases.delete(lease.id);
    const fresh = completions.filter(({ index }) => !isDone(this.claims, index));
    if (worker.mismatched) {
      this.#completeOtherwise(fresh);
      return wrong;
    }
    if (!worker.trusted) {
      this.#hold(worker, fresh);
      return wrong;
    }
    return [...wrong, ...fresh.flatMap(({ index, completion }) => this.#complete(index, completion))];
  }

  /**
   * Takes a completion that the learner has sampled itself.
   *
   * @returns workers on trial that this proves to be wrong; they are dropped
   */
  completeHere(index: number, completion: Completion): W[] {
    return this.#complete(index, completion);
  }

  /** Workers with a lease that is over. */
  silent(now: number): W[] {
    return [...this.#leases.values()].filter(({ expiresAt }) => expiresAt <= now).map(({ worker }) => worker);
  }

  /** Gives back all that a worker has, and forgets what it delivered on trial. */
  drop(worker: W): void {
    for (const lease of this.#leases.values()) if (lease.worker === worker) this.#release(lease);
    for (const index of this.#trials.get(worker)?.held.keys() ?? []) releaseClaim(this.claims, index);
    this.#trials.delete(worker);
  }

  /** Lets everyone do again what is lent; whoever is first with it counts. */
  reclaim(): void {
    for (const { open } of this.#leases.values()) for (const index of open) releaseClaim(this.claims, index);
  }

  #release(lease: Lease<W>): void {
    this.#leases.delete(lease.id);
    for (const index of lease.open) releaseClaim(this.claims, index);
  }

  #proofs(): ReadonlySet<number> {
    return new Set(Array.from(this.#trials.values(), ({ proof }) => proof));
  }

  /** What is to prove another worker it leaves to the learner. */
  #completeOtherwise(completions: readonly Placed[]): void {
    const proofs = this.#proofs();
    for (const { index, completion } of completions) {
      if (proofs.has(index)) continue;
      this.#mismatched.add(index);
      this.#complete(index, completion);
    }
  }

  #hold(worker: W, completions: readonly Placed[]): void {
    const [longest] = completions.toSorted((a, b) => b.completion.tokenIds.length - a.completion.tokenIds.length);
    if (longest === undefined) return;
    const trial = this.#trials.get(worker) ?? { held: new Map<number, Completion>(), proof: longest.index };
    for (const { index, completion } of completions) trial.held.set(index, completion);
    if (this.#trials.has(worker)) return;
    this.#trials.set(worker, trial);
    releaseClaim(this.claims, trial.proof);
  }

  #complete(index: number, completion: Completion): W[] {
    if (this.#completions[index] !== undefined) return [];
    finishClaim(this.claims, index);
    this.#completions[index] = completion;
    this.#left--;
    const wrong: W[] = [];
    for (const [worker, { proof, held }] of this.#trials) {
      if (proof !== index) continue;
      if (equalCompletions(held.get(index) as Completion, completion)) wrong.push(...this.#trust(worker));
      else wrong.push(worker);
    }
    for (const worker of wrong) this.drop(worker);
    return wrong;
  }

  /** What was held back counts from now on. */
  #trust(worker: W): W[] {
    worker.trusted = true;
    const { held } = this.#trials.get(worker) ?? {};
    this.#trials.delete(worker);
    return Array.from(held ?? []).flatMap(([index, completion]) => this.#complete(index, completion));
  }
}
