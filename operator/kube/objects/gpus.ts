import type { StageSpec } from '../../api/stage.ts';

/** Compute slices of a whole GPU by the size of its smallest part: cards of the A30's kind have four, all others seven. */
const quarters = new Set(['1g.6gb', '2g.12gb', '4g.24gb', '2g.48gb', '4g.96gb']);

/**
 * GPUs of one pod: of every vendor whose device plugin follows the custom of naming them `<vendor>/gpu`, parts of them
 * (`nvidia.com/mig-3g.20gb` is three sevenths of one), and what claims of devices stand for.
 */
export function gpusOf({ resources, resourceClaims = [] }: Pick<StageSpec, 'resources' | 'resourceClaims'>): number {
  const all = { ...resources?.requests, ...resources?.limits };
  const named = Object.entries(all).map(([name, quantity]) => shareOf(name) * (Number(quantity) || 0));
  const total = [...named, ...resourceClaims.map(({ gpus }) => gpus)].reduce((sum, each) => sum + each, 0);
  return Math.round(total * 1000) / 1000;
}

/** What one of a resource is of a GPU; 0 for what is none. */
function shareOf(resource: string): number {
  if (resource.endsWith('/gpu')) return 1;
  const [, profile = '', slices] = /^nvidia\.com\/mig-((\d)g\.\d+gb)/.exec(resource) ?? [];
  return slices === undefined ? 0 : Number(slices) / (quarters.has(profile) ? 4 : 7);
}
