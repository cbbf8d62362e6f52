import { apiVersion } from '../../operator/api/resources/metadata.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';

/** Six stages in a row, each of which starts from the model of the one before. */
export const stageNames = ['base', 'second', 'third', 'fourth', 'fifth', 'sixth'] as const;

/**
 * The claim that all pipelines of a namespace share. Kubernetes binds claims one after the other, four a second while the API server
 * is busy: a hundred pipelines with claims of their own would wait for it, whoever creates their Jobs.
 */
export const claimName = 'models';

/** Requests under way while pipelines are handed over, on both sides. */
export const createdAtOnce = 10;

/** A pipeline of `stages` of the stages above whose pods end as their image says (test/cluster/kwok). */
export function pipeline(
  name: string,
  namespace: string,
  image: string,
  stages: number = stageNames.length,
): R1Pipeline {
  return {
    apiVersion,
    kind: 'R1Pipeline',
    metadata: { name, namespace },
    spec: {
      image,
      base: { init: { hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1 } },
      datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
      storage: { claimName },
      stages: stageNames.slice(0, stages).map((stage, at) => {
        const before = stageNames[at - 1];
        return before === undefined
          ? { name: stage, pretrain: { data: ['sums'], steps: 10 } }
          : { name: stage, model: { from: before }, sft: { data: ['sums'] } };
      }),
    },
    // What is left out gets its default from the API server, as a person's manifest does.
  } as unknown as R1Pipeline;
}

/** Names of one length, so that one can be put in another's place. */
export function pipelineName(number: number): string {
  return `bench-${String(number).padStart(4, '0')}`;
}
