import { pipelinePolicy, withoutPolicyRules } from './admission-policy.ts';
import { apiGroup, writtenAsAWhole } from '../resources/metadata.ts';
import { schemaOf } from '../manifest.ts';
import type { StructuralSchema } from '../check/structural-schema.ts';

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** 1 is shown by `-o wide` alone. */
  readonly priority?: 1;
}

interface Resource {
  readonly kind: 'R1Pipeline' | 'R1Stage';
  readonly plural: string;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly columns: readonly PrinterColumn[];
}

const age: PrinterColumn = {
  name: 'AGE',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Time since it was created.',
};

function display(name: string, field: string, description: string, more: Partial<PrinterColumn> = {}): PrinterColumn {
  return { name, type: 'string', jsonPath: `.status.display.${field}`, description, ...more };
}

const wide = { priority: 1 } as const;

const resources: readonly Resource[] = [
  {
    kind: 'R1Pipeline',
    plural: 'r1pipelines',
    singular: 'r1pipeline',
    shortName: 'r1p',
    description: 'Trains a reasoning model in stages, the way DeepSeek-R1 was trained.',
    columns: [
      display('STATE', 'state', 'Where the pipeline is.'),
      display('STAGE', 'stage', 'What runs, or what failed.'),
      display('PROGRESS', 'progress', 'Finished stages of all.'),
      display('ETA', 'eta', 'Time that the running stage still needs.'),
      display('GPU-H', 'gpuHours', 'GPUs times hours used so far.'),
      display('RESTARTS', 'restarts', 'Attempts that followed a failed one.', { type: 'integer' }),
      display('WARNINGS', 'warnings', 'Stages that warn of something, such as that they learn nothing.'),
      age,
      display('REWARD', 'reward', 'Reward of the running stage.', wide),
      display('PASS@1', 'passAt1', 'Newest held-out pass@1.', wide),
      display('QUEUE', 'queue', 'Kueue local queue.', wide),
      display('MESSAGE', 'message', 'Why it is where it is.'),
    ],
  },
  {
    kind: 'R1Stage',
    plural: 'r1stages',
    singular: 'r1stage',
    shortName: 'r1s',
    description: 'One stage of an R1Pipeline with its inputs resolved and pinned.',
    columns: [
      {
        name: 'PIPELINE',
        type: 'string',
        jsonPath: '.spec.pipeline',
        description: 'The pipeline that it belongs to.',
      },
      display('TYPE', 'type', 'pretrain, grpo, sft, sample, rewardModel, review or evaluate.'),
      display('STATE', 'state', 'Where the stage is.'),
      display('STEP', 'step', 'Optimizer steps done, of all.'),
      display('PROGRESS', 'progress', 'The same as a share.'),
      display('REWARD', 'reward', 'Mean reward of the newest step.'),
      display('LOSS', 'loss', 'Loss of the newest step.'),
      display('ATTEMPT', 'attempt', 'Number of the newest attempt.', { type: 'integer' }),
      display('WARNINGS', 'warnings', 'What it warns of, such as that it learns nothing.'),
      age,
      display('PASS@1', 'passAt1', 'Held-out pass@1.', wide),
      display('KL', 'kl', 'KL to the reference policy.', wide),
      display('NODE', 'node', 'Where it runs.', wide),
      display(
        'DEVICE',
        'device',
        'What it computes on: GPUs with CUDA and driver, or cpu; and in which precision.',
        wide,
      ),
      display('WORKERS', 'workers', 'Rollout workers that run, of those asked for.', wide),
      display('CHECKPOINT', 'checkpoint', 'Final checkpoint and the start of its digest.', wide),
      display('MESSAGE', 'message', 'Why it is where it is.'),
    ],
  },
];

/** The CustomResourceDefinitions, by file name. */
export function customResourceDefinitions(): Map<string, object> {
  return new Map(resources.map((resource) => [`${apiGroup}_${resource.plural}.yaml`, definition(resource)]));
}

/** All that a cluster must know of the resources, by file name: the definitions, and the policy beside them. */
export function clusterObjects(): Map<string, object[]> {
  const files = new Map<string, object[]>();
  for (const [name, each] of customResourceDefinitions()) files.set(name, [each]);
  return files.set(`${apiGroup}_r1pipelines-policy.yaml`, pipelinePolicy());
}

/**
 * The settings of a named item, such as `grpo` of a stage, are written by one hand: the account of who owns which field
 * goes no deeper, which makes a pipeline a quarter smaller and saves the API server a ninth of every write.
 */
function withWholeSettings(schema: StructuralSchema): StructuralSchema {
  const { properties, items } = schema;
  if (schema['x-kubernetes-map-type'] === 'atomic') return schema;
  if (schema['x-kubernetes-list-type'] === 'map' && items?.properties !== undefined) {
    return { ...schema, items: { ...items, properties: mapValues(items.properties, asWhole) } };
  }
  return properties === undefined ? schema : { ...schema, properties: mapValues(properties, withWholeSettings) };
}

function asWhole(schema: StructuralSchema): StructuralSchema {
  return schema.properties === undefined ? schema : { ...schema, ...writtenAsAWhole };
}

function mapValues<T>(record: Record<string, T>, f: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));
}

function definition({ kind, plural, singular, shortName, description, columns }: Resource): object {
  const { metadata: _, ...properties } = schemaOf(kind).properties ?? {};
  const schema: StructuralSchema = {
    ...schemaOf(kind),
    description,
    // An API server knows these three itself.
    properties: {
      ...properties,
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
    },
    required: ['spec'],
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${apiGroup}` },
    spec: {
      group: apiGroup,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], categories: ['r1'] },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: { openAPIV3Schema: withWholeSettings(kind === 'R1Pipeline' ? withoutPolicyRules(schema) : schema) },
        },
      ],
    },
  };
}
