import { z } from 'zod';
import { count, object, positiveInt } from '../../../trainer/contract/settings/schema.ts';
import { resources } from '../resources/scheduling.ts';
import { stageDefaults } from '../resources/stage-defaults.ts';

const texts = z.record(z.string(), z.string()).default({});
const text = z.string().max(500).default('');
const port = z.int().min(1).max(65_535);
/** The name of an object, or nothing. */
const name = z
  .string()
  .max(253)
  .regex(/^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$/)
  .default('');
const names = z.array(name.unwrap().min(1)).default([]);
/** Parts of objects that are handed on as they are; the API server checks them. */
const asInPod = z.record(z.string(), z.unknown());

const image = object({
  repository: z.string().min(1).max(500).default('r1-operator').describe('Where it is.'),
  tag: text.describe("The chart's appVersion when empty."),
  digest: z
    .string()
    .regex(/^(sha256:[0-9a-f]{64})?$/)
    .default('')
    .describe('sha256:… takes the image of this digest, whatever the tag points to.'),
  pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent').describe('When kubelets pull it.'),
}).prefault({});

const serviceAccount = object({
  create: z.boolean().default(true).describe('Create it.'),
  name: name.describe('Made from the name of the release when empty.'),
  annotations: texts.describe('Annotations of it.'),
}).prefault({});

const metrics = object({
  port: port.default(8080).describe('Port of the Prometheus metrics.'),
  service: object({
    enabled: z.boolean().default(true).describe('Create it.'),
  })
    .prefault({})
    .describe('A Service before that port.'),
  serviceMonitor: object({
    enabled: z.boolean().default(false).describe("Needs the resources of Prometheus' operator, and the Service."),
    interval: text.describe("Time between two scrapes, such as 30s; Prometheus' own when empty."),
    labels: texts.describe('Labels by which a Prometheus chooses its monitors.'),
  })
    .prefault({})
    .describe('A ServiceMonitor.'),
  dashboard: object({
    enabled: z.boolean().default(false).describe('Create it.'),
    labels: texts.unwrap().default({ grafana_dashboard: '1' }).describe('Labels by which the sidecar finds it.'),
  })
    .prefault({})
    .describe("A ConfigMap with a dashboard, for Grafana's sidecar."),
}).prefault({});

const networkPolicy = object({
  enabled: z.boolean().default(true).describe("Let nothing but metrics and health reach the operator's pods."),
  metricsFrom: z
    .array(asInPod)
    .default([])
    .describe('Who may read metrics, as in spec.ingress[].from of a NetworkPolicy; everybody when empty.'),
  apiServerPorts: z
    .array(port)
    .default([])
    .describe('Ports of the API server, such as 443 and 6443. When given, the operator reaches them and DNS alone.'),
}).prefault({});

const tenants = object({
  restricted: z
    .boolean()
    .default(false)
    .describe('Let manifests name only what these lists have, by a ValidatingAdmissionPolicy. An empty list: nothing.'),
  images: z
    .array(
      z
        .string()
        .max(500)
        .regex(/^[A-Za-z0-9_.:@/-]+$/),
    )
    .default([])
    .describe('Images for spec.image; what ends in /, : or @ is the beginning of one, such as registry.example/ml/.'),
  tokenSecrets: names.describe(
    'Secrets for base.hf.tokenSecret and the token.secret of rewards[].http, datasets[].answer.verifier.http, rewards[].judge.endpoint, guard.judge.endpoint, sample.judge.endpoint, sample.pairs.judge.endpoint and sample.labels.judge.endpoint: their key token is handed to the image.',
  ),
  priorityClasses: names.describe('For priorityClassName.'),
  serviceAccounts: names.describe('For serviceAccountName.'),
}).prefault({});

/** `values.yaml` of the Helm chart. */
export const chartValues = object({
  nameOverride: text.describe('Instead of r1-operator in the names of objects.'),
  fullnameOverride: text.describe('Instead of release and chart in the names of objects.'),
  image: image.describe('The image of operator, trainer and command line.'),
  imagePullSecrets: names.describe(
    "Secrets, in the namespace of the release, with which the operator's image is pulled.",
  ),
  trainerImage: text.describe("Image for stages of pipelines that name none; the operator's own when empty."),

  watchNamespaces: names.describe(
    'Namespaces that may have pipelines; they must exist. Rights are then given in these alone. Empty: the whole cluster.',
  ),
  crds: object({
    install: z.boolean().default(true).describe('Install and upgrade them. They stay when the release is uninstalled.'),
  })
    .prefault({})
    .describe('CustomResourceDefinitions R1Pipeline and R1Stage.'),
  rbac: object({
    create: z.boolean().default(true).describe('Create the roles that the operator needs, and bind them to it.'),
    aggregate: z
      .boolean()
      .default(true)
      .describe("Add rights on pipelines and stages to Kubernetes' own roles view, edit and admin."),
  })
    .prefault({})
    .describe('Rights.'),
  tenants: tenants.describe(
    'What whoever may write pipelines and stages, but not pods, may have run: docs/security.md.',
  ),
  serviceAccount: serviceAccount.describe('The service account of the operator.'),

  stageDefaults: stageDefaults.shape.all.describe(
    'What the pods of stages get that their manifest leaves out: nodeSelector, tolerations, affinity, runtimeClassName, priorityClassName, env, envFrom, podLabels, podAnnotations, serviceAccountName, schedulerName, sharedMemory, securityContext, imagePullSecrets.',
  ),
  gpuStageDefaults: stageDefaults.shape.gpu
    .unwrap()
    .prefault({ tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }] })
    .describe('The same for stages that ask for GPUs. Field by field it goes before stageDefaults.'),
  hubEndpoint: z
    .string()
    .regex(/^(https?:\/\/.+)?$/)
    .default('')
    .describe('A mirror of the Hugging Face Hub, for base.hf; https://huggingface.co when empty.'),

  replicas: positiveInt.max(10).default(1).describe('One leads, the others take over within 20 seconds.'),
  resources: resources
    .prefault({ requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } })
    .describe('Resources of the operator.'),
  logLevel: z.enum(['error', 'warn', 'info', 'debug']).default('info').describe('What is logged, as lines of JSON.'),
  podAnnotations: texts.describe("Annotations of the operator's pods."),
  podLabels: texts.describe("Labels of the operator's pods."),
  nodeSelector: texts.describe("Labels of the nodes that the operator's pods may run on."),
  tolerations: z.array(asInPod).default([]).describe("Taints that the operator's pods tolerate."),
  affinity: asInPod.default({}).describe("Affinity of the operator's pods. Empty: replicas keep to different nodes."),
  topologySpreadConstraints: z.array(asInPod).default([]).describe("How the operator's pods are spread."),
  priorityClassName: name.describe("PriorityClass of the operator's pods."),
  terminationGracePeriodSeconds: count.default(30).describe('What the operator gets to end its work and hand over.'),
  podDisruptionBudget: object({
    enabled: z.boolean().default(true).describe('Create it when there is more than one replica.'),
  })
    .prefault({})
    .describe('Evictions take one replica at a time.'),

  metrics: metrics.describe('Observability.'),
  networkPolicy: networkPolicy.describe("NetworkPolicy of the operator's pods."),
  test: object({
    storageClassName: name.describe('Storage class of its volume; the default one when empty.'),
    timeoutSeconds: positiveInt.default(300).describe('How long it waits for the pipeline.'),
  })
    .prefault({})
    .describe('helm test, which runs a small pipeline.'),
  global: asInPod.optional().describe('Values that a parent chart shares with its parts; none is used.'),
});
