import { UserError } from '../contract/process/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { cacheBlock } from '../models/programs.ts';
import { type Claims, isFree } from '../rollout/claims.ts';
import { blocksFor, kvBytesPerToken } from '../rollout/kv-cache.ts';
import type { GenerationRequest, PromptGroup, Sample } from '../rollout/requests.ts';

/** Requests of one temperature, grouped by prompt. */
export interface GenerationPlan {
  readonly temperature: number;
  /** Small groups, so that they share out evenly; groups of one prompt hold the same array of ids. */
  readonly groups: readonly PromptGroup[];
  /** Sequences side by side in one worker. */
  readonly rows: number;
  /** Blocks of the cache of one worker. */
  readonly blocks: number;
}

/** Room of one thread for whatever comes in. */
export type LivePlan = Pick<GenerationPlan, 'rows' | 'blocks'>;

/** More rows than this gain little, as the products are then at full speed. */
export const mostRows = 64;
export const cacheBytes = 256 * 1024 * 1024;
export const samplesPerGroup = 4;

/**
 * Decides how the requests that are free are generated.
 *
 * @param takers threads that share them, here and elsewhere
 * @throws UserError if a prompt is empty or leaves no room for a token
 */
export function planGeneration(
  requests: readonly GenerationRequest[],
  claims: Claims,
  config: ModelConfig,
  takers: number,
): GenerationPlan[] {
  for (const [index, { promptIds }] of requests.entries()) expectRoom(promptIds, config, `prompt ${index}`);
  const plans: GenerationPlan[] = [];
  for (const temperature of new Set(requests.map(({ sampling }) => sampling.temperature))) {
    const prompts = new Map<string, { promptIds: readonly number[]; samples: Sample[] }>();
    let length = 0;
    let count = 0;
    for (const [index, { promptIds, ...sample }] of requests.entries()) {
      if (sample.sampling.temperature !== temperature || !isFree(claims, index)) continue;
      const prompt = prompts.get(promptIds.join()) ?? { promptIds, samples: [] };
      prompts.set(promptIds.join(), prompt);
      prompt.samples.push({ index, ...sample });
      length = Math.max(length, Math.min(promptIds.length + sample.sampling.maxNewTokens, config.maxLength));
      count++;
    }
    if (count === 0) continue;
    const share = Math.ceil(count / takers / samplesPerGroup) * samplesPerGroup;
    const rows = Math.max(2, Math.min(mostRows, share));
    const groups = [...prompts.values()].flatMap(({ promptIds, samples }) =>
      chunks(samples, Math.min(rows, samplesPerGroup)).map((chunk) => ({ promptIds, samples: chunk })),
    );
    plans.push({ temperature, groups, rows, blocks: cacheBlocks(config, rows, length) });
  }
  return plans;
}

/** For requests of any length that the model takes. */
export function planLive(config: ModelConfig): LivePlan {
  return { rows: mostRows, blocks: cacheBlocks(config, mostRows, config.maxLength) };
}

/** @throws UserError if a prompt is empty or leaves no room for a token */
export function expectRoom(promptIds: readonly number[], { maxLength }: ModelConfig, what: string): void {
  if (promptIds.length > 0 && promptIds.length < maxLength) return;
  throw new UserError(
    `${what} has ${promptIds.length} tokens, expected 1 to ${maxLength - 1} ` +
      `(the model takes ${maxLength} tokens, prompt and completion together)`,
  );
}

/**
 * Blocks of a cache for so many sequences of up to `length` tokens. There may be fewer than they need together, as not all sequences are that
 * long; but one fits with the first blocks of its group, whatever that takes.
 */
function cacheBlocks(config: ModelConfig, rows: number, length: number): number {
  const affordable = Math.floor(cacheBytes / (cacheBlock * kvBytesPerToken(config)));
  const longest = blocksFor(length);
  return 1 + Math.max(longest + samplesPerGroup, Math.min(affordable, rows * longest + samplesPerGroup));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
