import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { rowFindings } from '../contract/settings/checked-rows.ts';

const counts = z.record(z.string(), z.number());

/** `data/funnel.json` of a sample stage: where the completions went, in the order of the filters. */
const funnel = z.object({
  prompts: z.number(),
  sampled: z.number(),
  dropped: counts,
  kept: z.number(),
  keptByDomain: counts.default({}),
});
export type Funnel = z.infer<typeof funnel>;

/** `data/review.json` of a review stage. */
const review = z.object({
  reviewed: z.number(),
  not_reviewed: z.number(),
  edited: z.number().optional(),
  rejected: z.number().optional(),
  reviewers: z.array(z.string()).default([]),
  agreement: z.number().optional(),
  kappa: z.number().optional(),
  readers: z
    .array(
      z.object({
        reviewers: z.tuple([z.string(), z.string()]),
        rows: z.number(),
        agreement: z.number(),
        kappa: z.number().optional(),
      }),
    )
    .default([]),
});
export type Review = z.infer<typeof review>;

/** `checked-rows.json` without the places of the rows, which are of no interest to a reader. */
const checked = z.object({ parts: z.record(z.string(), rowFindings) });
export type CheckedParts = z.infer<typeof checked>['parts'];

/** @returns nothing when there is no such file, or none that says this */
export async function readCheckedParts(path: string): Promise<CheckedParts> {
  return (await readAs(path, checked))?.parts ?? {};
}

/** @returns undefined when there is no such file, or none that says this */
export function readFunnel(path: string): Promise<Funnel | undefined> {
  return readAs(path, funnel);
}

export function readReview(path: string): Promise<Review | undefined> {
  return readAs(path, review);
}

async function readAs<T extends z.ZodType>(path: string, schema: T): Promise<z.output<T> | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
