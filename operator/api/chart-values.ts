import { z } from 'zod';
import { count, object, objectName, positiveInt } from '../../trainer/contract/schema.ts';
import { resources } from './scheduling.ts';
import { stageDefaults } from './stage-defaults.ts';

/** Parts of objects that are handed on as they are; the API server checks them. */
const asInKubernetes = z.record(z.string(), z.unknown());
const texts = z.record(z.string(), z.string());
const port = z.int().min(1).max(65_535);
const optionalName = objectName.or(z.literal(''));

const image = object({
  repository: z.string().min(1).describe('Where the image of operator, trainer and command line is.'),
  tag: z.string().describe("Its tag; the chart's appVersion when empty."),
  digest: z
    .string()
    .regex(/^(sha256:[0-9a-f]{64})?$/)
    .describe('sha256:… pins the image whatever its tag points to.'),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).describe('When kubelets pull it.'),
});

/** `values.yaml` of the Helm chart, which has a value for every field. */
export const chartValues = object({
  nameOverride: z.string().max(40).describe('Instead of the name of the chart in the names of objects.'),
  fullnameOverride: z.string().max(50).describe('Instead of release and chart in the names of objects.'),
  global: asInKubernetes.optional().describe('Values of a parent chart; not used.'),

  image: image.describe('Image of the operator.'),
  imagePullSecrets: z.array(objectName).describe('Secrets in the namespace of the release with which it is pulled.'),
  trainerImage: z
    .string()
    .max(500)
    .describe("Image of the stages' pods that name none; the operator's own when empty."),

  watchNamespaces: z
    .array(objectName)
    .describe('Namespaces with pipelines, which must exist; all of the cluster when empty. Rights are given there alone.'),
  crds: object({
    install: z.boolean().describe('Install and upgrade the CustomResourceDefinitions. They stay when the release goes.'),
  }),
  rbac: object({
    create: z.boolean().describe("Create the operator's roles and bind them."),
    aggregate: z
      .boolean()
      .describe("Add rights to pipelines and stages to Kubernetes' own roles view, edit and admin."),
  }),
  serviceAccount: object({
    create: z.boolean().describe("Create the operator's service account."),
    name: optionalName.describe('Its name; made from the release when empty.'),
    annotations: texts.describe('Annotations of it.'),
  }),

  stageDefaults: stageDefaults.shape.all.unwrap().describe('What pods of stages get that their manifest leaves out.'),
  gpuStageDefaults: stageDefaults.shape.gpu
    .unwrap()
    .describe('The same for stages that ask for GPUs; goes before stageDefaults, field by field.'),
  hubEndpoint: z
    .string()
    .regex(/^(https?:\/\/.*)?$/)
    .describe('Mirror of the Hugging Face Hub for base.hf; https://huggingface.co when empty.'),

  replicas: positiveInt.max(10).describe('Pods of the operator. One leads, the others take over within 20 seconds.'),
  resources: resources.describe('Resources of the operator.'),
  logLevel: z.enum(['error', 'warn', 'info', 'debug']).describe('What the operator logs, as JSON lines.'),
  podAnnotations: texts.describe("Annotations of the operator's pods."),
  podLabels: texts.describe("Labels of the operator's pods."),
  nodeSelector: texts.describe("Labels of the nodes that the operator's pods may run on."),
  tolerations: z.array(asInKubernetes).describe("Taints that the operator's pods tolerate."),
  affinity: asInKubernetes.describe("Affinity of the operator's pods; replicas keep to different nodes when empty."),
  topologySpreadConstraints: z.array(asInKubernetes).describe("How the operator's pods are spread."),
  priorityClassName: optionalName.describe("PriorityClass of the operator's pods."),
  terminationGracePeriodSeconds: count.describe('What the operator gets to end its passes and give up its lease.'),
  podDisruptionBudget: object({
    enabled: z.boolean().describe('With more than one replica, let evictions take one at a time.'),
  }),

  metrics: object({
    port: port.describe("Port of the operator's Prometheus metrics."),
    service: object({ enabled: z.boolean().describe('A Service before that port.') }),
    serviceMonitor: object({
      enabled: z.boolean().describe("A ServiceMonitor; needs the Prometheus operator's resources."),
      interval: z.string().describe("Time between two scrapes; Prometheus' own when empty."),
      labels: texts.describe('Labels by which a Prometheus chooses it.'),
    }),
    dashboard: object({
      enabled: z.boolean().describe("A ConfigMap with a dashboard for Grafana's sidecar."),
      labels: texts.describe('Labels by which the sidecar finds it.'),
    }),
  }),
  networkPolicy: object({
    enabled: z.boolean().describe("Let nothing but metrics and health reach the operator's pods."),
    metricsFrom: z
      .array(asInKubernetes)
      .describe('Peers that may read metrics, as in ingress[].from of a NetworkPolicy; everybody when empty.'),
    apiServerPorts: z
      .array(port)
      .describe('Ports of the API server. When not empty, the operator reaches these and DNS and nothing else.'),
  }),

  test: object({
    storageClassName: optionalName.describe('Storage class of the pipeline that helm test runs; the default one when empty.'),
    timeoutSeconds: positiveInt.describe('How long helm test waits for it.'),
  }),
});

/** JSON Schema (draft 7, which Helm reads) of `values.yaml`. */
export function chartValuesSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(chartValues, { io: 'input', target: 'draft-7' });
  return { $schema, title: 'Values of the chart r1-operator', ...schema };
}
