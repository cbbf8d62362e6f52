import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Policy } from '../../trainer/stages/policy/policy.ts';

/** How a model goes on after a prompt. */
export interface Continuation {
  readonly ids: number[];
  /** Of every token, after the prompt. */
  readonly logProbs: number[];
  readonly greedyIds: number[];
  readonly greedyText: string;
}

const script = fileURLToPath(new URL('../parity/open_in_transformers.py', import.meta.url));

/** What `open_in_transformers.py` tells of a model directory. */
export interface OpenedInTransformers {
  /** SHA-256 of each tensor's f32 bytes. */
  readonly tensors: Readonly<Record<string, string>>;
  readonly ids: number[];
  readonly logits?: number[];
  readonly greedyIds?: number[];
  readonly greedyText?: string;
}

/** Opens a model directory in transformers, with an adapter in peft. `python` must have torch, transformers and peft. */
export async function openInTransformers(
  python: string,
  directory: string,
  prompt: string,
  tokens: number,
  adapter?: string,
): Promise<OpenedInTransformers> {
  const onIt = adapter === undefined ? [] : ['--adapter', adapter];
  const args = [script, directory, ...onIt, '--prompt', prompt, '--tokens', `${tokens}`];
  const { stdout } = await promisify(execFile)(python, args, { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as OpenedInTransformers;
}

export async function continuationInTransformers(
  python: string,
  directory: string,
  prompt: string,
  tokens: number,
  adapter?: string,
): Promise<Continuation> {
  const {
    ids,
    logits = [],
    greedyIds = [],
    greedyText = '',
  } = await openInTransformers(python, directory, prompt, tokens, adapter);
  const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
  return { ids, logProbs: logits.map((logit) => logit - logSum), greedyIds, greedyText };
}

/** The same from our engine. */
export async function continuationHere(directory: string, prompt: string, tokens: number): Promise<Continuation> {
  const policy = await Policy.open(directory, { workers: 1 });
  try {
    const { tokenizer, engine, config } = policy;
    const ids = tokenizer.encode(prompt);
    const everyToken = Array.from({ length: config.vocabularySize }, (_, token) => token);
    const probs = await engine.tokenProbabilities(
      everyToken.map((token) => ({ promptIds: ids, completionIds: [token] })),
      { temperature: 0 },
    );
    const sampling = { temperature: 0, topP: 1, topK: 0, maxNewTokens: tokens };
    const [completion] = await engine.generate([
      { promptIds: ids, key: [0, 0], sampling, stopIds: [...tokenizer.stopIds] },
    ]);
    const greedyIds = completion?.tokenIds ?? [];
    const logProbs = probs.map(([prob]) => Math.log(prob ?? NaN));
    return { ids, logProbs, greedyIds, greedyText: tokenizer.decode(greedyIds) };
  } finally {
    await policy.close();
  }
}
