import { Policy } from '../../trainer/stages/policy/policy.ts';
import type { Tokenizer } from '../../trainer/tokenizers/tokenizer.ts';
import type { Shared } from '../workload.ts';
import { readModel } from './serve.ts';

/** Ids as a text that the policy's tokenizer reads back. */
export function asText(ids: readonly number[]): string {
  return ids.join(' ');
}

/** A policy whose texts are token ids, so that stages take the prompts of a workload as they are. */
export async function startIdPolicy(shared: Shared): Promise<Policy> {
  const { model: directory, threads: workers, stopId } = shared;
  const { config, parameters } = await readModel(shared);
  const tokenizer = idTokenizer(config.vocabularySize, stopId);
  return Policy.start(
    { config, head: 'lm', tokenizer, tokenizerDirectory: directory, parameters },
    { workers, trained: true },
  );
}

function idTokenizer(vocabularySize: number, stopId: number): Tokenizer {
  return {
    vocabularySize,
    stopIds: [stopId],
    stop: { ids: [], texts: [] },
    prefill: '',
    padId: 0,
    knowsTools: false,
    encode: (text) => text.split(' ').map(Number),
    decode: asText,
    renderChat: (messages) => messages.map(({ content }) => content).join(' '),
    templateDigest: '',
    close: () => Promise.resolve(),
  };
}
