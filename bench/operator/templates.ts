import { labels } from '../../operator/api/resources/metadata.ts';
import type { KubeClient } from '../../operator/kube/client/client.ts';
import { configMaps, jobs, type KubeObject, type ResourceKind } from '../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';

/** One request: an object is created, or its status is written. */
export interface Write {
  readonly resource: ResourceKind<KubeObject>;
  readonly object: WrittenObject;
  readonly what: 'object' | 'status';
}

type WrittenObject = KubeObject & {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly status?: unknown;
};

/** What one pipeline takes, ready to be done again by a program that decides nothing. */
export interface Template {
  /** Name of the pipeline that it was read from; it is replaced wherever it stands. */
  readonly pipeline: string;
  /** The first at once, each other when the Job of the one before has completed; the last has no Job. */
  readonly steps: readonly (readonly Write[])[];
}

/** The Jobs alone, and all objects that a cluster keeps of a pipeline. */
export type Templates = Readonly<Record<'sequencer' | 'writer', Template>>;

/** Reads what the operator made for a finished pipeline. */
export async function readTemplates(
  client: KubeClient,
  namespace: string,
  pipeline: string,
  stageNames: readonly string[],
): Promise<Templates> {
  const read = async (resource: ResourceKind<KubeObject>): Promise<WrittenObject[]> => {
    const { items } = await client.list(resource, namespace, { labelSelector: `${labels.pipeline}=${pipeline}` });
    return items;
  };
  const [madeJobs, madeStages, madeConfigMaps] = [await read(jobs), await read(stages), await read(configMaps)];
  const whole = await client.get(pipelines, { namespace, name: pipeline });
  const ofStage = (objects: readonly WrittenObject[], stage: string): WrittenObject => {
    const found = objects.find((each) => labelsOf(each)[labels.stage] === stage);
    if (found === undefined) throw new Error(`${namespace}/${pipeline}: nothing was made for stage ${stage}`);
    return found;
  };
  const jobOf = (stage: string): Write => create(jobs, ofStage(madeJobs, stage));
  const stageWrites = (stage: string): Write[] => [
    create(stages, ofStage(madeStages, stage)),
    create(configMaps, ofStage(madeConfigMaps, stage)),
    jobOf(stage),
  ];
  const pipelineStatus = status(pipelines, whole);
  const ends = stageNames.map((stage) => status(stages, ofStage(madeStages, stage)));
  return {
    sequencer: { pipeline, steps: [...stageNames.map((stage) => [jobOf(stage)]), []] },
    writer: {
      pipeline,
      steps: [
        ...stageNames.map((stage, at) => {
          // The operator writes the status of a pipeline twice: when it has begun, and at its end.
          if (at === 0) return [create(pipelines, whole), ...stageWrites(stage), pipelineStatus];
          return [...ends.slice(at - 1, at), ...stageWrites(stage)];
        }),
        [...ends.slice(-1), pipelineStatus],
      ],
    },
  };
}

/** A write for another pipeline, in another namespace. */
export function instantiate({ resource, object, what }: Write, from: string, to: string, namespace: string): Write {
  const made = JSON.parse(JSON.stringify(object).replaceAll(from, to)) as WrittenObject;
  return { resource, what, object: { ...made, metadata: { ...made.metadata, namespace } } };
}

function create(resource: ResourceKind<KubeObject>, object: WrittenObject): Write {
  const { metadata, spec, data, immutable } = object as WrittenObject & {
    spec?: JobSpec;
    data?: unknown;
    immutable?: boolean;
  };
  const { selector: _, ...rest } = spec ?? {};
  const written = { ...rest, ...(rest.template === undefined ? {} : { template: templateOf(rest.template) }) };
  return {
    resource,
    what: 'object',
    // Without owners: those of the copies would be others.
    object: {
      metadata: { name: metadata.name, labels: labelsOf(object) },
      ...(spec === undefined ? { data, immutable } : { spec: written }),
    },
  };
}

function status(resource: ResourceKind<KubeObject>, { metadata, status: written }: WrittenObject): Write {
  return { resource, what: 'status', object: { metadata: { name: metadata.name }, status: written } };
}

/** What the Job controller looks at, of what it and the API server have added. */
interface JobSpec {
  readonly selector?: unknown;
  readonly template?: PodTemplate;
}

interface PodTemplate {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: unknown;
}

function templateOf({ metadata, spec }: PodTemplate): PodTemplate {
  const ours = Object.entries(metadata?.labels ?? {}).filter(
    ([label]) => !/^(batch\.kubernetes\.io\/)?(job-name|controller-uid)$/.test(label),
  );
  return { metadata: { labels: Object.fromEntries(ours) }, spec };
}

function labelsOf({ metadata }: WrittenObject): Readonly<Record<string, string>> {
  return metadata.labels ?? {};
}
