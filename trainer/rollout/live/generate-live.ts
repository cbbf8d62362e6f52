import { generate, type GenerationOptions } from '../generation.ts';
import type { Completion } from '../requests.ts';
import type { Drawn } from '../sampler.ts';
import type { LiveRequests } from './live-requests.ts';

/** A token of a sample as it is drawn, or the whole completion after its last one. */
export type LiveEvent =
  | { readonly index: number; readonly drawn: Drawn }
  | { readonly index: number; readonly completion: Completion };

interface LiveOptions extends Pick<
  GenerationOptions,
  'decoder' | 'sampler' | 'cache' | 'rows' | 'maxLength' | 'throwIfUnwanted'
> {
  readonly requests: LiveRequests;
  readonly onEvent: (event: LiveEvent) => void;
}

/** Samples what comes in, in one batch that requests join and leave, until nothing more comes. */
export async function generateLive({ requests, onEvent, ...options }: LiveOptions): Promise<void> {
  // oxlint-disable no-await-in-loop -- as long as something comes
  while (await requests.any()) {
    await generate({
      ...options,
      next: () => requests.next(),
      isDone: (index) => requests.isDone(index),
      onDrawn: (index, drawn) => onEvent({ index, drawn }),
      onCompletion: (index, completion) => {
        requests.finish(index);
        onEvent({ index, completion });
      },
    });
  }
  // oxlint-enable no-await-in-loop
}
