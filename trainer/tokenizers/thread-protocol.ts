import type { MessagePort } from 'node:worker_threads';
import type { ChatSettings } from '../contract/settings/chat.ts';
import type { Message } from '../contract/settings/dataset.ts';
import type { ExitReason } from '../contract/process/exit-codes.ts';
import type { TokenizerFacts } from './open-tokenizer.ts';
import type { RenderOptions } from './rendering.ts';

/** What the thread is told when it starts. */
export interface ThreadSettings {
  readonly directory: string;
  readonly chat: ChatSettings;
  readonly port: MessagePort;
  /** How many calls and replies there have been, in `places`: either side waits for the other's to grow. */
  readonly counters: Int32Array;
}

/** `ended` is 1 once the thread has ended by itself; one that has run out of memory has no time to say so. */
export const places = { calls: 0, replies: 1, ended: 2 } as const;

export interface Calls {
  facts: { argument: undefined; result: TokenizerFacts };
  encode: { argument: string; result: number[] };
  decode: { argument: readonly number[]; result: string };
  render: {
    argument: { readonly messages: readonly Message[]; readonly options: RenderOptions };
    result: string;
  };
}

export type Call = { [K in keyof Calls]: { readonly kind: K; readonly argument: Calls[K]['argument'] } }[keyof Calls];

/** The first one, to no call, says that the tokenizer is open. */
export type Reply =
  | { readonly kind: 'result'; readonly result: unknown }
  | {
      readonly kind: 'error';
      readonly message: string;
      readonly stack: string;
      readonly reason: ExitReason | undefined;
    };
