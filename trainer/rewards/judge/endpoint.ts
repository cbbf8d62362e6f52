import { createHash } from 'node:crypto';
import { randomKey } from '../../algorithms/random.ts';
import { zip } from '../../algorithms/zip.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { JudgeEndpoint, JudgeSettings } from '../../contract/settings/judge.ts';
import { completeChat, type ChatPatience } from './chat-client.ts';
import type { Ask, Question, Reply } from './judge.ts';
import type { CachedVerdict, VerdictCache } from './verdict-cache.ts';

export interface EndpointOptions extends ChatPatience {
  readonly cache: VerdictCache;
  /** Its key, if it asks for one. */
  readonly token: string | undefined;
  /** Called when it has answered: a sign of life. */
  readonly onActivity: () => void;
}

/** A verdict stands at the end. */
const keptCharacters = 2000;

/** Asks a server with OpenAI's API, as many at a time as it may, and nothing twice. */
export function askEndpoint(
  endpoint: JudgeEndpoint,
  sampling: JudgeSettings['sampling'],
  { cache, token, onActivity, ...patience }: EndpointOptions,
): Ask {
  const judge = digestOf({ url: endpoint.url, model: endpoint.model });
  const client = { ...patience, url: endpoint.url, token, tokenVariable: endpoint.token?.variable };
  const timeoutMs = endpoint.timeoutSeconds * 1000;

  const ask = async (body: object, key: string): Promise<void> => {
    const { budgetTokens = Infinity } = endpoint;
    const spent = cache.spent(judge);
    if (spent >= budgetTokens) {
      throw new UserError(
        `judge.endpoint.budgetTokens: ${spent} tokens are spent, expected less than ${budgetTokens}; raise it to go on`,
      );
    }
    const { text, ...reply } = await completeChat(body, { ...client, timeoutMs });
    await cache.add({ key, judge, text: text.slice(-keptCharacters), ...reply });
    onActivity();
  };

  return async (questions) => {
    const bodies = questions.map((question) => bodyOf(endpoint.model, sampling, question));
    const keys = bodies.map((body) => digestOf({ url: endpoint.url, body }));
    const replies = new Map<string, Reply>();
    const missing = new Map<string, object>();
    for (const [key, body] of new Map(zip(keys, bodies))) {
      // oxlint-disable-next-line no-await-in-loop -- most are in memory alone
      const known = await cache.get(key);
      if (known) replies.set(key, replyOf(known));
      else missing.set(key, body);
    }
    const queue = missing.entries();
    let failed = false;
    const lane = async (): Promise<void> => {
      for (const [key, body] of queue) {
        if (failed) return;
        try {
          await ask(body, key);
          replies.set(key, replyOf((await cache.get(key)) as CachedVerdict));
        } catch (error) {
          failed = true; // what the others are asking is kept
          throw error;
        }
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: endpoint.concurrency }, lane));
    const rejected = lanes.find((each) => each.status === 'rejected');
    if (rejected) throw rejected.reason;
    return keys.map((key) => replies.get(key) as Reply);
  };
}

function replyOf({ text, refused, tokens }: CachedVerdict): Reply {
  return { text, tokens, ...(refused !== undefined && { refused }) };
}

function bodyOf(
  model: string,
  { temperature, topP, topK, maxNewTokens }: JudgeSettings['sampling'],
  question: Question,
) {
  const [seed] = randomKey('judge', question.text, question.vote);
  return {
    model,
    messages: [{ role: 'user', content: question.text }],
    temperature,
    ...(topP < 1 && { top_p: topP }),
    ...(topK > 0 && { top_k: topK }),
    max_tokens: maxNewTokens,
    seed: seed >>> 1, // 31 bits
  };
}

function digestOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
