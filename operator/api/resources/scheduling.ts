import { z } from 'zod';
import { device } from '../../../trainer/contract/settings/device.ts';
import {
  count,
  exactlyOneRule,
  object,
  objectName,
  positiveInt,
  withRules,
} from '../../../trainer/contract/settings/schema.ts';
import { podSettingsShape } from './pod.ts';
import { map, quantity } from './quantity.ts';

const retries = z.int().min(0).max(100).optional();

/** How often a stage is tried again, by the cause of its failure. Defaults are those of `core/retry.ts`. */
export const retry = object({
  disruption: retries.describe(
    'Retries after an eviction, a lost node, a preemption, a pod that somebody deletes, or another request from outside to end, without a new checkpoint in between (20, which are three hours).',
  ),
  infrastructure: retries.describe(
    'Retries after a signal from outside, or where something outside did not answer (5).',
  ),
  outOfMemory: retries.describe('Retries after running out of memory (1).'),
  diskFull: retries.describe('Retries after a full volume (10, which are 50 minutes).'),
  diverged: retries.describe(
    'Retries after a loss or gradient that is not finite (0: the same settings give the same bits again).',
  ),
  hung: retries.describe('Retries after hungAfterSeconds without a progress line (2).'),
  crashed: retries.describe('Retries after an end of no known cause (1). User errors are never retried.'),
  backoffSeconds: z
    .number()
    .min(0)
    .max(86400)
    .optional()
    .describe('Wait before the first retry of a cause; doubled for each further one (10).'),
  maxBackoffSeconds: z.number().min(0).max(86400).optional().describe('Longest wait before a retry (600).'),
  hungAfterSeconds: positiveInt
    .optional()
    .describe('An attempt without a progress line for this long is ended as hung (1800).'),
}).describe('Retries by cause.');
export type RetrySettings = z.infer<typeof retry>;

export const budget = object({
  gpuHours: z
    .number()
    .min(0)
    .max(1e9)
    .optional()
    .describe(
      'GPUs, times the hours that pods held them: from when a pod has a node, those of rollout workers as far as they run, parts of GPUs as parts.',
    ),
  hours: z.number().min(0).max(1e9).optional().describe('Hours that attempts ran, waiting not counted.'),
}).describe('What may be spent; when it is spent, running attempts are ended and nothing new starts.');
export type Budget = z.infer<typeof budget>;

export const resources = object({
  limits: map(quantity).optional().describe('Upper limits, such as nvidia.com/gpu: 1 or memory: 32Gi.'),
  requests: map(quantity).optional().describe('What the scheduler reserves.'),
}).describe("Resources of the stage's pod; without meaning on one machine.");
export type Resources = z.infer<typeof resources>;

const toleration = object({
  key: z.string().max(317).optional().describe('Taint key; empty with operator Exists matches every taint.'),
  operator: z.enum(['Exists', 'Equal']).optional().describe('How key and value are compared.'),
  value: z.string().max(63).optional().describe('Taint value.'),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional().describe('Taint effect; all when absent.'),
  tolerationSeconds: count.optional().describe('How long a NoExecute taint is tolerated.'),
});

/** Parts of a pod that are handed on as they are: the API server checks them when the pod is made. */
const asInPod = z.record(z.string(), z.unknown());

/** What the scheduler reserves of what a manifest says nothing about: a pod of no requests at all is evicted first. */
export const defaultRequests = { cpu: '500m', memory: '512Mi' };

/** What a pod gets to save its work when it is asked to end. */
export const defaultTerminationGracePeriodSeconds = 300;

/** Where and how the pod of a stage runs; a stage's own value replaces that of `defaults`. */
export const placementShape = {
  resources: resources
    .optional()
    .describe(
      "Resources of the stage's pod; without meaning on one machine. A pod that says nothing of cpu or memory requests 500m and 512Mi.",
    ),
  nodeSelector: map(z.string().max(63)).optional().describe('Labels of the nodes that the pod may run on.'),
  tolerations: z.array(toleration).max(16).optional().describe('Taints that the pod tolerates.'),
  affinity: asInPod
    .optional()
    .describe('Node, pod and pod anti-affinity, as in spec.affinity of a pod; see kubectl explain pod.spec.affinity.'),
  topologySpreadConstraints: z
    .array(asInPod)
    .max(16)
    .optional()
    .describe('How pods are spread over the cluster; see kubectl explain pod.spec.topologySpreadConstraints.'),
  runtimeClassName: objectName
    .optional()
    .describe("RuntimeClass of the stage's pod, such as nvidia where GPUs need a container runtime of their own."),
  priorityClassName: objectName.optional().describe("PriorityClass of the stage's pod."),
  ...podSettingsShape,
  terminationGracePeriodSeconds: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('Seconds that a pod which is asked to end gets to save a checkpoint (300).'),
  retry: retry.optional().describe('Retries by cause.'),
  queue: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('Kueue LocalQueue that admits the Jobs of the stage; they are created suspended.'),
  device: device.optional(),
  workers: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe('Worker threads of the trainer; one per core when absent. They change time and nothing else.'),
};

export const storage = object({
  size: quantity
    .default('10Gi')
    .describe(
      "Size of the pipeline's volume. It grows with this where its storage class allows expansion, and never becomes smaller.",
    ),
  storageClassName: objectName.optional().describe('Storage class; the default one when absent.'),
  accessMode: z
    .enum(['ReadWriteOnce', 'ReadWriteMany'])
    .default('ReadWriteOnce')
    .describe(
      'ReadWriteOnce: stages run one after the other. ReadWriteMany: stages that need nothing of each other run at the same time, if the storage class can.',
    ),
  claimName: objectName
    .optional()
    .describe('An existing PersistentVolumeClaim that is used instead of a new one; it is never deleted.'),
  retention: z
    .enum(['RetainFailed', 'Delete', 'Retain'])
    .default('RetainFailed')
    .describe(
      'Whether the claim made for the pipeline, and with it the checkpoints, is deleted together with the pipeline. RetainFailed: unless the pipeline has failed, or a gate was not kept that nobody has approved; that of an R1Stage without a pipeline stays.',
    ),
  keepLast: z.int().min(1).max(1000).default(2).describe('Checkpoints kept besides the final one of each stage.'),
}).describe('Where checkpoints and data are kept; on one machine a directory, of which only keepLast has meaning.');

/** A ConfigMap or a claim whose files the manifest names by relative paths. */
export const volume = withRules(
  object({
    path: z
      .string()
      .min(1)
      .max(200)
      .regex(/^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/)
      .describe('Where it stands among the relative paths of the manifest: data holds what data/chat.jsonl names.'),
    configMap: objectName.optional().describe('ConfigMap whose keys are the files.'),
    claim: objectName.optional().describe('PersistentVolumeClaim that holds the files; it is mounted read-only.'),
    subPath: z
      .string()
      .max(200)
      .regex(/^([A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*)?$/)
      .default('')
      .describe('Directory or file in it that is mounted instead of the whole.'),
  }),
  [
    exactlyOneRule(['configMap', 'claim'], 'source'),
    {
      rule: "!self.path.matches('(^|/)[.][.]?(/|$)') && !self.subPath.matches('(^|/)[.][.]?(/|$)')",
      message: 'path and subPath must not have . or .. as a part',
    },
  ],
);
export type Volume = z.infer<typeof volume>;

/** What the pods of all stages of a pipeline share; without meaning on one machine. */
export const podShape = {
  volumes: z
    .array(volume)
    .max(16)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['path'] })
    .describe(
      'Files for the pods of the stages: on a cluster, what the manifest names by a relative path must lie on one of them. On one machine relative paths start at the manifest.',
    ),
  imagePullSecrets: z
    .array(objectName)
    .max(16)
    .default([])
    .describe('Secrets with which the image of the trainer is pulled.'),
};
