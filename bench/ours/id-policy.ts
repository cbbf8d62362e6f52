import { join } from 'node:path';
import { readModelDirectory } from '../../trainer/checkpoint/model-directory.ts';
import { parseHfConfig } from '../../trainer/models/config.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import { Policy } from '../../trainer/stages/policy.ts';
import type { Tokenizer } from '../../trainer/tokenizers/tokenizer.ts';

/** Ids as a text that the policy's tokenizer reads back. */
export function asText(ids: readonly number[]): string {
  return ids.join(' ');
}

/** A policy whose texts are token ids, so that stages take the prompts of a workload as they are. */
export async function startIdPolicy(directory: string, workers: number, stopId: number): Promise<Policy> {
  const model = await readModelDirectory(directory);
  const config = parseHfConfig(model.config, join(directory, 'config.json'));
  const parameters = await model.readParameters(parameterLayout(config, 'lm'));
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
    encode: (text) => text.split(' ').map(Number),
    decode: asText,
    renderChat: (messages) => messages.map(({ content }) => content).join(' '),
    templateDigest: '',
    close: () => Promise.resolve(),
  };
}
