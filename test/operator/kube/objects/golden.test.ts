import { join } from 'node:path';
import { test } from '@jest/globals';
import type { R1Stage } from '../../../../operator/api/resources/stage.ts';
import { attemptJob } from '../../../../operator/kube/objects/attempt-job.ts';
import type { Attempt } from '../../../../operator/kube/objects/attempt.ts';
import { claimName } from '../../../../operator/core/names.ts';
import { reviewSecret } from '../../../../operator/kube/objects/review-secret.ts';
import { rolloutJob } from '../../../../operator/kube/objects/rollout-job.ts';
import { rolloutNetworkPolicy } from '../../../../operator/kube/objects/rollout-network-policy.ts';
import { rolloutSecret } from '../../../../operator/kube/objects/rollout-secret.ts';
import { rolloutService } from '../../../../operator/kube/objects/rollout-service.ts';
import { withStageDefaults } from '../../../../operator/kube/objects/stage-defaults.ts';
import { stageConfigMap } from '../../../../operator/kube/objects/stage-config-map.ts';
import { volumeClaim } from '../../../../operator/kube/objects/volume-claim.ts';
import { expectGolden } from '../../../support/golden.ts';
import { stageOf } from '../../../support/stage-objects.ts';

function attemptOf(stage: R1Stage, more: Partial<Attempt> = {}): Attempt {
  return {
    stage,
    number: 1,
    madeFrom: 'ab12',
    madeWith: { 'r1.dev/defaults': 'cd34' },
    image: 'r1-operator:0.1.0',
    claim: claimName(stage.spec.pipeline),
    goneRuns: [],
    ...more,
  };
}

function made(attempt: Attempt): object[] {
  return [stageConfigMap(attempt), volumeClaim(attempt.stage), attemptJob(attempt)];
}

const data = 'datasets: [{name: sums, generator: {task: addition}}]';
const input = `input: {stage: pretrained, path: 0a1b2c3d/attempt-1/step-000200, digest: ${'ab'.repeat(32)}}`;

/** Of a stage with these settings, that begins with a model of an earlier one. */
function madeOf(settings: string): object[] {
  return made(attemptOf(stageOf(`model: {${input}}\n${data}${settings}`)));
}

const cases = [
  {
    name: 'tiny-cpu',
    objects: () => made(attemptOf(stageOf(`model: {init: {}}\n${data}\npretrain: {data: [sums], steps: 3}`))),
  },
  {
    name: 'gpu-with-everything',
    objects: () =>
      made(
        attemptOf(
          stageOf(`
model: {${input}}
image: registry.example/r1-operator:cuda
inputs: [{stage: samples, path: 0a1b2c3e/attempt-3/data, digest: ${'cd'.repeat(32)}}]
datasets: [{name: chat, file: data/chat.jsonl, heldOut: {file: held/out.jsonl}}]
storage: {size: 200Gi, storageClassName: fast, accessMode: ReadWriteMany, retention: Retain}
volumes: [{path: data, configMap: chat}, {path: held, claim: held-out, subPath: v2}]
imagePullSecrets: [registry]
resources: {limits: {nvidia.com/gpu: 8, memory: 512Gi}, requests: {cpu: 32}}
nodeSelector: {gpu: h100}
tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: gpu-memory, operator: In, values: [80Gi]}]}]}}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {r1.dev/pipeline: sums}}}]
runtimeClassName: nvidia
priorityClassName: training
env: [{name: HTTPS_PROXY, value: 'http://proxy:3128'}, {name: NO_PROXY, value: .svc}]
envFrom: [{configMap: site}]
podLabels: {cost-center: research}
podAnnotations: {karpenter.sh/do-not-disrupt: 'true', sidecar.istio.io/inject: 'true'}
serviceAccountName: trainer
schedulerName: volcano
resourceClaims: [{name: gpus, resourceClaimTemplateName: two-gpus, gpus: 2}, {name: link, resourceClaimName: fabric, gpus: 0}]
sharedMemory: 8Gi
securityContext: {runAsUser: 2000, runAsGroup: 2000, fsGroup: 2001, supplementalGroups: [5000]}
terminationGracePeriodSeconds: 900
queue: gpus
sft: {data: [chat, samples]}`),
          { number: 3 },
        ),
      ),
  },
  {
    name: 'base-hf',
    objects: () =>
      made(
        attemptOf(
          stageOf(
            `model: {hf: {repo: Qwen/Qwen3-0.6B, revision: v1, tokenSecret: hub}}\nresources: {limits: {nvidia.com/gpu: 1, memory: 16Gi}}\n${data}\nsft: {data: [sums]}`,
          ),
          { hubEndpoint: 'https://hub.example' },
        ),
      ),
  },
  {
    name: 'judges',
    objects: () =>
      madeOf(`
grpo:
  prompts: [sums]
  steps: 100
  rewards:
    - judge: {endpoint: {url: 'https://judge.example/v1', model: j, token: {secret: judge}}}
    - judge: {endpoint: {url: 'https://other.example/v1', model: j, token: {variable: R1_OTHER_TOKEN, secret: other}}}
    - judge: {endpoint: {url: 'http://judge/v1', model: j, token: {variable: R1_OPEN_KEY}}}`),
  },
  {
    name: 'judge-of-pairs',
    objects: () =>
      madeOf(`
sample:
  prompts: [sums]
  pairs: {judge: {endpoint: {url: 'https://judge.example/v1', model: j, token: {secret: judge}}}}`),
  },
  {
    name: 'judge-of-rows',
    objects: () =>
      madeOf(`
sample:
  prompts: [sums]
  judge: {endpoint: {url: 'https://judge.example/v1', model: j, token: {secret: judge}}}`),
  },
  {
    name: 'judge-of-labels',
    objects: () =>
      madeOf(`
sample:
  prompts: [sums]
  labels: {judge: {endpoint: {url: 'https://judge.example/v1', model: j, token: {secret: judge}}}}`),
  },
  {
    name: 'judge-of-guard',
    objects: () =>
      madeOf(`
grpo:
  prompts: [sums]
  steps: 100
  rewards: [{accuracy: {}}]
  guard: {data: [sums], judge: {endpoint: {url: 'https://judge.example/v1', model: j, token: {secret: judge}}}}`),
  },
  {
    name: 'base-pvc',
    objects: () =>
      made(
        attemptOf(stageOf(`model: {pvc: {claim: models, path: /qwen3}}\n${data}\nsft: {data: [sums]}`), {
          claim: 'team-volume',
        }),
      ),
  },
  {
    name: 'review',
    objects: () => {
      const asked = stageOf(`
inputs: [{stage: samples, path: 0a1b2c3d/attempt-1/data, digest: ${'ab'.repeat(32)}}]
resources: {limits: {nvidia.com/gpu: 8, memory: 1Gi}}
resourceClaims: [{name: gpus, resourceClaimTemplateName: two-gpus, gpus: 2}]
review: {data: samples}`);
      const attempt = attemptOf(withStageDefaults(asked, { all: {}, gpu: {} }));
      return [...made(attempt), reviewSecret(attempt, 'a-random-token')];
    },
  },
  {
    name: 'rollout-workers',
    objects: () => {
      const attempt = attemptOf(
        stageOf(`
model: {${input}}
${data}
rolloutWorkers: 4
resources: {limits: {nvidia.com/gpu: 1}}
grpo: {prompts: [sums], steps: 100, rewards: [{accuracy: {}}]}`),
      );
      return [
        ...made(attempt),
        rolloutSecret(attempt, 'a-random-token'),
        rolloutService(attempt),
        rolloutNetworkPolicy(attempt),
        rolloutJob(attempt),
      ];
    },
  },
];

test.each(cases)('$name', ({ name, objects }) => {
  expectGolden(join(import.meta.dirname, 'golden', `${name}.yaml`), objects());
});
