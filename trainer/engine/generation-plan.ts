import { UserError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { type Claims, isFree } from '../rollout/claims.ts';
import type { GenerationRequest, PromptGroup, Sample } from '../rollout/generation.ts';
import { kvBytesPerToken } from '../rollout/kv-cache.ts';
import { cacheWidth, lengthBucket } from '../rollout/lengths.ts';

/** Requests of one temperature, grouped by prompt. */
export interface GenerationPlan {
  readonly temperature: number;
  /** Small groups, so that they share out evenly; groups of one prompt hold the same array of ids. */
  readonly groups: readonly PromptGroup[];
  /** Sequences side by side in one worker. */
  readonly rows: number;
  /** Positions of the longest sequence, rounded up to what the cache may need. */
  readonly width: number;
}

/** More rows than this gain little, as the products are then at full speed. */
export const mostRows = 64;
export const cacheBytes = 256 * 1024 * 1024;
const samplesPerGroup = 4;

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
  for (const [index, { promptIds }] of requests.entries()) {
    if (promptIds.length > 0 && promptIds.length < config.maxLength) continue;
    throw new UserError(
      `prompt ${index} has ${promptIds.length} tokens, expected 1 to ${config.maxLength - 1} ` +
        `(the model takes ${config.maxLength} tokens, prompt and completion together)`,
    );
  }
  const plans: GenerationPlan[] = [];
  for (const temperature of new Set(requests.map(({ sampling }) => sampling.temperature))) {
    const prompts = new Map<string, { promptIds: readonly number[]; samples: Sample[] }>();
    let width = 0;
    let count = 0;
    for (const [index, { promptIds, ...sample }] of requests.entries()) {
      if (sample.sampling.temperature !== temperature || !isFree(claims, index)) continue;
      const prompt = prompts.get(promptIds.join()) ?? { promptIds, samples: [] };
      prompts.set(promptIds.join(), prompt);
      prompt.samples.push({ index, ...sample });
      const longest = Math.min(promptIds.length + sample.sampling.maxNewTokens, config.maxLength);
      width = Math.max(width, cacheWidth(longest), lengthBucket(promptIds.length));
      count++;
    }
    if (count === 0) continue;
    const affordable = Math.floor(cacheBytes / (kvBytesPerToken(config) * width));
    const share = Math.ceil(count / takers / samplesPerGroup) * samplesPerGroup;
    const rows = Math.max(2, Math.min(mostRows, affordable, share));
    const groups = [...prompts.values()].flatMap(({ promptIds, samples }) =>
      chunks(samples, Math.min(rows, samplesPerGroup)).map((chunk) => ({ promptIds, samples: chunk })),
    );
    plans.push({ temperature, groups, rows, width });
  }
  return plans;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
