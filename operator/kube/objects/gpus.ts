import type { Device } from '../../../trainer/contract/settings/device.ts';
import type { StageSpec } from '../../api/resources/stage.ts';

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

/** Without what a stage that computes nothing would hold for as long as people take. */
export function withoutDevices<T extends Pick<StageSpec, 'resources' | 'resourceClaims'>>(spec: T): T {
  const { resources, resourceClaims: _, ...rest } = spec;
  const [limits, requests] = [plainQuantities(resources?.limits), plainQuantities(resources?.requests)];
  return {
    ...(rest as T),
    ...(resources && { resources: { ...resources, ...(limits && { limits }), ...(requests && { requests }) } }),
  };
}

/** Devices are named after their vendor's domain, as in `nvidia.com/gpu`. */
function plainQuantities<T>(quantities: Record<string, T> | undefined): Record<string, T> | undefined {
  return quantities && Object.fromEntries(Object.entries(quantities).filter(([name]) => !name.includes('/')));
}

/** Where a pod must compute. One that holds GPUs computes on them or fails in words, unless its manifest says otherwise. */
export function deviceOf(spec: Pick<StageSpec, 'device' | 'resources' | 'resourceClaims'>): Device | undefined {
  const { device, resources, resourceClaims = [] } = spec;
  if (device === 'cpu' || device === 'cuda') return device;
  const named = Object.entries({ ...resources?.requests, ...resources?.limits });
  const holds =
    named.some(([name, quantity]) => name.startsWith('nvidia.com/') && shareOf(name) * Number(quantity) > 0) ||
    resourceClaims.some(({ gpus }) => gpus > 0);
  return holds ? 'cuda' : device;
}

/** What one of a resource is of a GPU; 0 for what is none. */
function shareOf(resource: string): number {
  if (resource.endsWith('/gpu')) return 1;
  const [, profile = '', slices] = /^nvidia\.com\/mig-((\d)g\.\d+gb)/.exec(resource) ?? [];
  return slices === undefined ? 0 : Number(slices) / (quarters.has(profile) ? 4 : 7);
}
