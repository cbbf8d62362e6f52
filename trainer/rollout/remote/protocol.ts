import { z } from 'zod';
import { lora, precision } from '../../contract/settings/training.ts';
import type { Completion, GenerationRequest } from '../requests.ts';
import type { StopTexts } from '../stop-watch.ts';

/**
 * What learner and rollout workers say to each other: JSON over HTTP, parameters as raw bytes. Workers ask, the learner
 * answers; every request carries the shared token.
 *
 *   POST   /v1/workers               registration → registered
 *   POST   /v1/leases                poll → answer, held back while there is nothing to do
 *   POST   /v1/leases/<lease>        delivery; an empty one says that the worker lives
 *   GET    /v1/parameters/<version>  float32, little-endian, then the SHA-256 of it all
 *   DELETE /v1/workers               leaves, and gives its leases back
 *
 * 401: another token. 404: the learner does not know the worker (any more). 409: the worker would give other bits.
 * 410: the stage is done. 412: the lease is over, or the parameters have changed. 422: what the worker delivered is
 * refused. 503: the model is still being loaded.
 */
export const paths = { workers: '/v1/workers', leases: '/v1/leases', parameters: '/v1/parameters' } as const;

/** Names the worker in every request but its registration. */
export const workerHeader = 'r1-worker';

/** Sooner than proxies and clients give up on an answer. */
export const longPollMs = 20_000;

/** How often a worker with a lease says something. */
export const deliveryIntervalMs = 1000;

/** A lease whose worker said nothing for so long is void. */
export const leaseMs = 10_000;

const id = z.string().regex(/^[0-9a-f-]{1,64}$/);
const version = z.string().regex(/^[0-9a-f]{1,32}-\d{1,15}$/);

export const registration = z.strictObject({
  /** What the bits of a completion depend on besides the request: see `engineVersions`. */
  engine: z.record(z.string().max(64), z.string().max(1024)),
  threads: z.int().min(1).max(4096),
});
export type Registration = z.infer<typeof registration>;

export const registered = z.object({
  worker: id,
  /** The model's `config.json`. */
  config: z.record(z.string(), z.unknown()),
  /** Adapters on it. */
  lora: lora.optional(),
  /** Of its products; f32 when absent. */
  precision: precision.optional(),
});
export type Registered = z.infer<typeof registered>;
/** What a worker opens. */
export type LearnerModel = Omit<Registered, 'worker'>;

/** `version`: the parameters that the worker has. */
export const poll = z.strictObject({ version: version.optional() });
export type Poll = z.infer<typeof poll>;

const token = z.int().min(0).max(0x7fff_ffff);
const word = z.int().min(0).max(0xffff_ffff);

const lease = z.object({
  kind: z.literal('lease'),
  lease: id,
  prompts: z.array(z.array(token)),
  stops: z.array(z.object({ texts: z.array(z.string()), pieces: z.array(z.tuple([token, z.string()])) })),
  requests: z.array(
    z.object({
      /** Place in the learner's list. */
      index: z.int().min(0),
      /** Place in `prompts`. */
      prompt: z.int().min(0),
      key: z.tuple([word, word]),
      sampling: z.object({
        temperature: z.number(),
        topP: z.number(),
        topK: z.int(),
        maxNewTokens: z.int().min(1),
      }),
      stopIds: z.array(token),
      /** Place in `stops`. */
      stop: z.int().min(0).optional(),
    }),
  ),
});

export const answer = z.discriminatedUnion('kind', [
  lease,
  /** There is work for these parameters. */
  z.object({ kind: z.literal('update'), version }),
  z.object({ kind: z.literal('wait') }),
]);
export type Answer = z.infer<typeof answer>;

const wireCompletion = z.strictObject({
  index: z.int().min(0),
  /** Int32, little-endian, in base64. */
  tokenIds: z.base64(),
  /** Float32, little-endian, in base64. */
  probs: z.base64(),
  finish: z.enum(['stop', 'length']),
});
export type WireCompletion = z.infer<typeof wireCompletion>;

export const delivery = z.strictObject({ completions: z.array(wireCompletion) });
export type Delivery = z.infer<typeof delivery>;

/** A completion and its place in the list of requests. */
export interface Placed {
  readonly index: number;
  readonly completion: Completion;
}

/** Requests in words of the protocol; prompts and stop texts that several share are sent once. */
export function encodeLease(name: string, requests: readonly GenerationRequest[], indices: readonly number[]): Answer {
  const prompts = new Map<string, { readonly place: number; readonly ids: number[] }>();
  const stops: StopTexts[] = [];
  const encoded = indices.map((index) => {
    const { promptIds, key, sampling, stopIds, stopTexts } = requests[index] as GenerationRequest;
    const text = promptIds.join();
    const prompt = prompts.get(text) ?? { place: prompts.size, ids: [...promptIds] };
    prompts.set(text, prompt);
    if (stopTexts && !stops.includes(stopTexts)) stops.push(stopTexts);
    return {
      index,
      prompt: prompt.place,
      key: [...key] as [number, number],
      sampling,
      stopIds: [...stopIds],
      ...(stopTexts && { stop: stops.indexOf(stopTexts) }),
    };
  });
  return {
    kind: 'lease',
    lease: name,
    prompts: [...prompts.values()].map(({ ids }) => ids),
    stops: stops.map(({ texts, pieces }) => ({
      texts: [...texts],
      pieces: pieces.map((piece) => [...piece] as [number, string]),
    })),
    requests: encoded,
  };
}

/** @returns requests that share the arrays of their prompts, and the learner's index of each */
export function decodeLease({ prompts, stops, requests }: Extract<Answer, { kind: 'lease' }>): {
  readonly requests: GenerationRequest[];
  readonly indices: number[];
} {
  return {
    requests: requests.map(({ prompt, key, sampling, stopIds, stop }) => ({
      promptIds: prompts[prompt] ?? [],
      key,
      sampling,
      stopIds,
      ...(stop !== undefined && { stopTexts: stops[stop] }),
    })),
    indices: requests.map(({ index }) => index),
  };
}

export function encodeCompletion({ index, completion: { tokenIds, probs, finish } }: Placed): WireCompletion {
  return { index, tokenIds: base64(Int32Array.from(tokenIds)), probs: base64(probs), finish };
}

export function decodeCompletion({ index, tokenIds, probs, finish }: WireCompletion): Placed {
  const completion = {
    tokenIds: [...new Int32Array(bytesOf(tokenIds))],
    probs: new Float32Array(bytesOf(probs)),
    finish,
  };
  return { index, completion };
}

function base64({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** @throws RangeError if the text holds no whole number of four-byte elements */
function bytesOf(text: string): ArrayBuffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.byteLength % 4 !== 0) throw new RangeError(`${bytes.byteLength} bytes, expected elements of four bytes`);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}
