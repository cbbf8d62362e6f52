import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { canonicalJson } from '../../algorithms/canonical-json.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { RowManifest, RowOrigin } from '../../contract/settings/row-origin.ts';

/** The row with its origin, which seals it. */
export function withOrigin(row: Row, origin: Omit<RowOrigin, 'digest'>): Row {
  return { ...row, origin: { ...origin, digest: digestOf({ ...row, origin }) } };
}

function digestOf(row: object): string {
  return createHash('sha256').update(canonicalJson(row)).digest('hex');
}

const judgeBound = z.object({ atLeast: z.number().default(0), domains: z.array(z.string()).optional() });

/** What the filter of a judge is called in a manifest. */
export const judgeFilter = 'judge';

/** SHA-256 that names the judge of a manifest's rows, if they have one. */
export function judgeDigest({ filters }: Pick<RowManifest, 'filters'>): string | undefined {
  const judge = filters.find(({ name }) => name === judgeFilter);
  return judge && digestOf(judge.settings);
}

/** What the filters of a manifest are called in an origin, in their order. */
export function filterNames({ filters }: Pick<RowManifest, 'filters'>): string[] {
  return filters.map(({ name, version }) => `${name}/${version}`);
}

/**
 * Why a row is not one that its manifest vouches for, `field: found …, expected …`; `undefined` if it is. Needs neither
 * the model nor the data: whether the manifest's digests are those of them is another question.
 */
export function faultOfOrigin(row: Row, manifest: RowManifest): string | undefined {
  const { origin, ...rest } = row;
  if (origin === undefined) return 'origin: found none, expected one; the row was edited, or no sample stage kept it';
  const { digest, ...sealed } = origin;
  const dataset = manifest.datasets[row.dataset];
  if (dataset === undefined) {
    return `dataset: found ${row.dataset}, expected one of ${Object.keys(manifest.datasets).join(', ')}`;
  }
  const { stage, seed, model } = manifest;
  const expected = { data: dataset.sha256, model, stage, seed, filters: filterNames(manifest) };
  for (const [name, value] of Object.entries(expected)) {
    const found = sealed[name as keyof typeof expected];
    if (!isDeepStrictEqual(found, value)) return `origin.${name}: found ${String(found)}, expected ${String(value)}`;
  }
  const judge = faultOfJudge(row, sealed.judge, manifest);
  if (judge !== undefined) return judge;
  if (!row.id.startsWith(`${sealed.prompt}/`)) {
    return `id: found ${row.id}, expected ${sealed.prompt}/ and the place among those kept of that prompt`;
  }
  const actual = digestOf({ ...rest, origin: sealed });
  return actual === digest ? undefined : `origin.digest: found ${actual} of the row, expected ${digest}`;
}

/** The verdict of a row, held against the judge that its manifest names. */
function faultOfJudge({ domain }: Row, found: RowOrigin['judge'], manifest: RowManifest): string | undefined {
  const filter = manifest.filters.find(({ name }) => name === judgeFilter);
  const { atLeast, domains } = judgeBound.parse(filter?.settings ?? {});
  const asked = filter !== undefined && (domains?.includes(domain) ?? true);
  const expected = asked ? judgeDigest(manifest) : undefined;
  if (found?.sha256 !== expected) {
    return `origin.judge.sha256: found ${found?.sha256 ?? 'none'}, expected ${expected ?? 'none'}`;
  }
  if (found === undefined || found.score >= atLeast) return undefined;
  return `origin.judge.score: found ${found.score}, expected ${atLeast} or more`;
}
