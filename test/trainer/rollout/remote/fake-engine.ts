import { setTimeout as sleep } from 'node:timers/promises';
import { finishClaim, isDone, takeClaim } from '../../../../trainer/rollout/claims.ts';
import type { Completion, GenerationRequest } from '../../../../trainer/rollout/requests.ts';
import type { LearnerEngine } from '../../../../trainer/rollout/remote/served-model.ts';

export const limits = { vocabularySize: 100, maxLength: 64 };

/** Requests of two prompts; every third ends with its stop token. */
export function fakeRequests(count: number): GenerationRequest[] {
  return Array.from({ length: count }, (_, index) => ({
    promptIds: [index % 2, 5, 7],
    key: [index, 4_000_000_000],
    sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 4 + (index % 5) },
    stopIds: index % 3 === 0 ? [index % 50] : [99],
  }));
}

/** What sampling would give: a function of the request alone. */
export function fakeCompletion({ key: [index], sampling, stopIds }: GenerationRequest): Completion {
  const tokenIds = Array.from({ length: sampling.maxNewTokens }, (_, at) => 50 + ((index + at) % 40));
  const stops = stopIds[0] !== 99;
  if (stops) tokenIds[tokenIds.length - 1] = stopIds[0] as number;
  const probs = Float32Array.from(tokenIds, (id) => 1 / (id + 1.5));
  return { tokenIds, probs, finish: stops ? 'stop' : 'length' };
}

/** An engine that takes its time for each completion, and counts them. */
export class FakeEngine implements LearnerEngine {
  readonly workers = 1;
  readonly layout: { readonly size: number };
  readonly parameters: Float32Array;
  parametersVersion = 1;
  msPerCompletion: number;
  sampled = 0;
  private mayGoOn: Promise<void> = Promise.resolve();

  constructor(msPerCompletion = 0, size = 300_000) {
    this.msPerCompletion = msPerCompletion;
    this.layout = { size };
    this.parameters = Float32Array.from({ length: size }, (_, at) => at);
  }

  /** In two tensors. */
  async *readParameters(): AsyncGenerator<{ values: Float32Array }> {
    yield { values: this.parameters.subarray(0, 100_001) };
    yield { values: this.parameters.subarray(100_001) };
  }

  async orStop<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  /** Takes no further request until what it gives is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.mayGoOn = promise;
    return resolve;
  }

  async generateFree(
    requests: readonly GenerationRequest[],
    { claims, onCompletion }: Parameters<LearnerEngine['generateFree']>[1],
  ): Promise<void> {
    for (const [index, request] of requests.entries()) {
      await this.mayGoOn;
      if (!takeClaim(claims, index)) continue;
      await sleep(this.msPerCompletion);
      if (isDone(claims, index) || !finishClaim(claims, index)) continue;
      this.sampled++;
      onCompletion(index, fakeCompletion(request));
    }
  }
}
