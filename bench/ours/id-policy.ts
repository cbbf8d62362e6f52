import type { LoadedModel } from '../../trainer/stages/policy/load-model.ts';
import { Policy } from '../../trainer/stages/policy/policy.ts';
import type { Tokenizer } from '../../trainer/tokenizers/tokenizer.ts';
import type { Shared } from '../workload.ts';
import { readModel } from './serve.ts';

/** Ids as a text that the policy's tokenizer reads back. */
export function asText(ids: readonly number[]): string {
  return ids.join(' ');
}

/** The workload's model as a policy whose texts are token ids, so that stages take its prompts as they are. */
export async function startIdPolicy(shared: Shared): Promise<Policy> {
  const { model: tokenizerDirectory, threads: workers, stopId } = shared;
  return idPolicy(await readModel(shared), { tokenizerDirectory, workers, stopIds: [stopId] });
}

interface IdPolicyOptions {
  readonly workers: number;
  readonly stopIds: number[];
  /** Of no use where nothing is saved. */
  readonly tokenizerDirectory: string;
}

export async function idPolicy(
  { config, parameters }: Pick<LoadedModel, 'config' | 'parameters'>,
  { workers, stopIds, tokenizerDirectory }: IdPolicyOptions,
): Promise<Policy> {
  const tokenizer = idTokenizer(config.vocabularySize, stopIds);
  return Policy.start({ config, head: 'lm', tokenizer, tokenizerDirectory, parameters }, { workers, trained: true });
}

function idTokenizer(vocabularySize: number, stopIds: number[]): Tokenizer {
  return {
    vocabularySize,
    stopIds,
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
