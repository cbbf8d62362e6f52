import { labels } from '../../operator/api/metadata.ts';
import type { KubeClient } from '../../operator/kube/client.ts';
import { jobs, type Job, type VolumeClaim, volumeClaims } from '../../operator/kube/resources.ts';

/** What the operator made for one pipeline, ready to be made again by someone else for another one. */
export interface PipelineTemplate {
  /** Name of the pipeline that it was made for; it is replaced wherever it stands. */
  readonly pipeline: string;
  readonly claim: VolumeClaim;
  /** In the order of the stages. */
  readonly jobs: readonly Job[];
}

/** Reads what the operator made for a finished pipeline, so that its peer creates the very same Jobs. */
export async function readTemplate(
  client: KubeClient,
  namespace: string,
  pipeline: string,
  stageNames: readonly string[],
): Promise<PipelineTemplate> {
  const found = (await client.list(jobs, namespace, { labelSelector: `${labels.pipeline}=${pipeline}` })).items;
  const made = stageNames.map((stage) => {
    const job = found.find(({ metadata }) => metadata.labels?.[labels.stage] === stage);
    if (job === undefined) throw new Error(`${namespace}/${pipeline}: no Job of stage ${stage}`);
    return job;
  });
  const name = made[0]?.spec?.template.spec?.volumes?.find(({ persistentVolumeClaim }) => persistentVolumeClaim)
    ?.persistentVolumeClaim?.claimName;
  if (name === undefined) throw new Error(`${namespace}/${pipeline}: its Jobs have no claim`);
  const { metadata, spec } = await client.get(volumeClaims, { namespace, name });
  const { volumeName: _, ...claimSpec } = spec ?? {};
  return {
    pipeline,
    claim: { metadata: { name: metadata.name, labels: metadata.labels ?? {} }, spec: claimSpec },
    jobs: made.map(asWritten),
  };
}

/** The template for another pipeline, in another namespace. */
export function instantiate<T extends Job | VolumeClaim>(object: T, from: string, to: string, namespace: string): T {
  const made = JSON.parse(JSON.stringify(object).replaceAll(from, to)) as T;
  return { ...made, metadata: { ...made.metadata, namespace } };
}

/** A Job without what the API server and the Job controller have added to it. */
function asWritten({ metadata, spec }: Job): Job {
  if (spec === undefined) throw new Error(`Job ${metadata?.name}: no spec`);
  const { selector: _, ...rest } = spec;
  const podLabels = Object.entries(spec.template.metadata?.labels ?? {}).filter(
    ([label]) => !/^(batch\.kubernetes\.io\/)?(job-name|controller-uid)$/.test(label),
  );
  return {
    metadata: { name: metadata?.name ?? '', labels: metadata?.labels ?? {} },
    spec: { ...rest, template: { metadata: { labels: Object.fromEntries(podLabels) }, spec: spec.template.spec } },
  } as Job;
}
