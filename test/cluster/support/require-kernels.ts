import { chooseRuntime, type RuntimeChoice } from '../../../trainer/runtime/open-runtime.ts';

/**
 * Checkpoints of a node are compared with those of `r1 run` beside it, whose digests name the kernels: an image has them.
 *
 * @throws Error where a checkout has none, or others than its sources give
 */
export function requireKernels({ name, because }: RuntimeChoice = chooseRuntime()): void {
  if (name === 'ops') return;
  throw new Error(
    `found no compiled kernels in this checkout (${because}), expected those that the image has, as digests differ without: npm run build:native first`,
  );
}
