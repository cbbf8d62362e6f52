import { z } from 'zod';
import { exactlyOneRule, object, objectName, withRules, type Rule } from '../../../trainer/contract/settings/schema.ts';
import { quantity } from './quantity.ts';

/*
 * What a platform demands of every pod: proxies, labels, identities. All of it is how a stage runs and not what it trains,
 * so none of it is part of a stage's digest.
 */

/** The operator sets these, or they decide which program computes: a digest would not tell that another one did. */
const reserved = { names: ['HOME', 'PATH', 'HF_TOKEN', 'HF_ENDPOINT'], prefixes: ['R1_', 'LD_', 'NODE_'] };

const ownNames: Rule = {
  rule: `!(self.name in [${reserved.names.map((each) => `'${each}'`).join(', ')}]) && (self.name == 'NODE_EXTRA_CA_CERTS' || ${reserved.prefixes.map((each) => `!self.name.startsWith('${each}')`).join(' && ')})`,
  message: `name must be none that the operator or the image sets: ${reserved.names.join(', ')}, nor begin with ${reserved.prefixes.join(', ')} (NODE_EXTRA_CA_CERTS may be set)`,
};

const variable = withRules(
  object({
    name: z
      .string()
      .min(1)
      .max(100)
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/)
      .describe('Such as HTTPS_PROXY.'),
    value: z.string().max(4096).describe('Its value.'),
  }),
  [ownNames],
);

const ownPrefixes = ['r1.dev/', 'app.kubernetes.io/', 'batch.kubernetes.io/', 'kueue.x-k8s.io/'];
const prefixes = (what: string): Rule => ({
  rule: `self.all(key, ${ownPrefixes.map((each) => `!key.startsWith('${each}')`).join(' && ')})`,
  message: `${what} must not begin with ${ownPrefixes.join(', ')}: these are set by the operator and by Kubernetes`,
});

const labels = z.record(
  z.string(),
  z
    .string()
    .max(63)
    .regex(/^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)?$/),
);
const annotations = z.record(z.string(), z.string().max(4096));
const mostEntries = { maxProperties: 32 };

/** An id of a user or group; 0 is root, which the Pod Security level *restricted* refuses. */
const id = z.int().min(1).max(2_147_483_647).optional();

const securityContext = object({
  runAsUser: id.describe(
    "User of the processes; that of the image when absent, or of the namespace's range on OpenShift.",
  ),
  runAsGroup: id.describe('Their group.'),
  fsGroup: id.describe('Group that owns the volumes.'),
  supplementalGroups: z.array(id.unwrap()).max(16).optional().describe('Further groups, such as that of an export.'),
});

const resourceClaim = withRules(
  object({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe('Its name within the pod.'),
    resourceClaimTemplateName: objectName.optional().describe('ResourceClaimTemplate of which each pod gets a claim.'),
    resourceClaimName: objectName.optional().describe('A ResourceClaim that all pods share.'),
    gpus: z.number().min(0).max(1024).default(1).describe('GPUs that it stands for, where hours of them are counted.'),
  }),
  [exactlyOneRule(['resourceClaimTemplateName', 'resourceClaimName'], 'source')],
);
export type ResourceClaim = z.infer<typeof resourceClaim>;

/** What a stage's own value replaces of `defaults`, and the manifest's of what a cluster adds. */
export const podSettingsShape = {
  env: z
    .array(variable)
    .max(64)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
    .optional()
    .describe(
      "Environment variables of the stage's pods, such as HTTPS_PROXY for base.hf. They are how a stage runs: a change of them is no change of what it trains.",
    ),
  envFrom: z
    .array(object({ configMap: objectName.describe('A ConfigMap, all of whose keys become variables.') }))
    .max(16)
    .optional()
    .describe('The same from ConfigMaps; what the operator or env sets goes before them.'),
  podLabels: withRules(labels.meta(mostEntries), [prefixes('labels')])
    .optional()
    .describe("Further labels of the stage's pods."),
  podAnnotations: withRules(annotations.meta(mostEntries), [prefixes('annotations')])
    .optional()
    .describe(
      "Annotations of the stage's pods. Sidecars of Istio, Linkerd and Vault are not injected unless these ask for them.",
    ),
  serviceAccountName: objectName
    .optional()
    .describe("ServiceAccount of the stage's pods, for what a platform ties to it; they get no token of it."),
  schedulerName: objectName.optional().describe("Scheduler of the stage's pods, such as volcano."),
  resourceClaims: z
    .array(resourceClaim)
    .max(16)
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
    .optional()
    .describe('Devices by dynamic resource allocation (DRA), for clusters that have it.'),
  sharedMemory: quantity
    .optional()
    .describe(
      'Size of /dev/shm; it counts as memory of the pod. 64Mi, or what the container runtime gives, when absent.',
    ),
  securityContext: securityContext
    .optional()
    .describe(
      'User and groups of the pods, within Pod Security level restricted. As a whole instead of {fsGroup: 1000}, which is the default but on OpenShift.',
    ),
};
