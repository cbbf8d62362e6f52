import { expect, test } from '@jest/globals';
import { validateManifest } from '../../../../operator/api/manifest.ts';
import { attemptDigest, settingsDigest } from '../../../../operator/core/settings-digest.ts';
import { attemptJob } from '../../../../operator/kube/objects/attempt-job.ts';
import { gpusOf } from '../../../../operator/kube/objects/gpus.ts';
import { stageConfigMap } from '../../../../operator/kube/objects/stage-config-map.ts';
import { rolloutSecret } from '../../../../operator/kube/objects/rollout-secret.ts';
import { rolloutJob } from '../../../../operator/kube/objects/rollout-job.ts';
import { stageOf } from '../../../support/stage-objects.ts';

const plain = 'datasets: [{name: sums, generator: {task: addition}}]\nmodel: {init: {}}\nsft: {data: [sums]}';

function attemptOf(text: string) {
  return {
    stage: stageOf(text),
    number: 1,
    madeFrom: '',
    madeWith: {},
    image: 'r1-operator:0.1.0',
    claim: 'c',
    goneRuns: [],
  };
}

function podOf(more: string, before = plain) {
  const attempt = attemptOf(`${before}\n${more}`);
  const jobs = [attemptJob(attempt), rolloutJob(attempt)];
  const [trainer, workers] = jobs.map(({ spec }) => spec?.template);
  return { trainer, workers };
}

const resources = (asked: string) => podOf(asked).trainer?.spec?.containers[0]?.resources;

test('no pod is without requests, and none gets more than it asked for', () => {
  const requests = { cpu: '500m', memory: '512Mi' };
  expect(resources('')).toEqual({ requests });
  expect(resources('resources: {limits: {nvidia.com/gpu: 1}}')).toEqual({
    limits: { 'nvidia.com/gpu': '1' },
    requests,
  });
  expect(resources('resources: {limits: {memory: 64Gi}, requests: {cpu: 8}}')).toEqual({
    limits: { memory: '64Gi' },
    requests: { cpu: '8' },
  });
});

test('sidecars are injected only where annotations ask for them', () => {
  const { trainer, workers } = podOf('podAnnotations: {linkerd.io/inject: enabled}');
  for (const template of [trainer, workers]) {
    expect(template?.metadata?.annotations).toEqual({
      'sidecar.istio.io/inject': 'false',
      'linkerd.io/inject': 'enabled',
      'vault.hashicorp.com/agent-inject': 'false',
    });
    expect(template?.metadata?.labels).toMatchObject({ 'sidecar.istio.io/inject': 'false' });
  }
});

const context = (asked: string) => podOf(asked).trainer?.spec?.securityContext;

test('user and group are those of the image or of the namespace, unless set', () => {
  const always = {
    runAsNonRoot: true,
    fsGroupChangePolicy: 'OnRootMismatch',
    seccompProfile: { type: 'RuntimeDefault' },
  };
  expect(context('')).toEqual({ ...always, fsGroup: 1000 });
  expect(context('securityContext: {}')).toEqual(always);
  expect(context('securityContext: {runAsUser: 7}')).toEqual({ ...always, runAsUser: 7 });
});

test.each([
  ['HOME', 'spec.env[0]'],
  ['HF_TOKEN', 'spec.env[0]'],
  ['R1_RUNTIME', 'spec.env[0]'],
  ['LD_PRELOAD', 'spec.env[0]'],
  ['NODE_OPTIONS', 'spec.env[0]'],
])('a manifest cannot set %s', (name, place) => {
  expect(problemsWith(`env: [{name: ${name}, value: x}]`)).toEqual([
    expect.stringMatching(
      new RegExp(
        `^${place.replaceAll(/[.[\]]/g, '\\$&')}: name must be none that the operator or the image sets: .*\\(found name: "${name}"\\)$`,
      ),
    ),
  ]);
});

test.each([
  ['podLabels: {r1.dev/stage: other}', 'spec.podLabels: labels must not begin with r1.dev/'],
  ['podAnnotations: {kueue.x-k8s.io/x: y}', 'spec.podAnnotations: annotations must not begin with r1.dev/'],
  ['securityContext: {runAsUser: 0}', 'spec.securityContext.runAsUser: found 0, expected an integer from 1'],
  ['securityContext: {privileged: true}', 'spec.securityContext.privileged'],
  ['env: [{name: A, value: x}, {name: A, value: y}]', 'spec.env[1].name: found a second "A", expected each name once'],
  [
    'resourceClaims: [{name: gpu}]',
    'spec.resourceClaims[0]: exactly one source of resourceClaimTemplateName, resourceClaimName must be set',
  ],
])('%s is refused in words', (asked, words) => {
  expect(problemsWith(asked).join()).toContain(words);
});

test('certificates of a proxy can be named', () => {
  expect(problemsWith('env: [{name: NODE_EXTRA_CA_CERTS, value: /r1/files/ca.pem}]')).toEqual([]);
});

test('how a stage runs is no part of what it trains, but a waiting pod is made anew', () => {
  const [before, after] = [
    '',
    'env: [{name: HTTPS_PROXY, value: http://proxy}]\npodLabels: {team: a}\nsharedMemory: 1Gi',
  ].map((more) => stageOf(`${plain}\n${more}`).spec);
  if (before === undefined || after === undefined) throw new Error('no specs');
  expect(settingsDigest(after)).toBe(settingsDigest(before));
  expect(attemptDigest(after)).not.toBe(attemptDigest(before));
});

test.each([
  ['{nvidia.com/gpu: 2}', 2],
  ['{amd.com/gpu: 1, cpu: 8}', 1],
  ['{nvidia.com/mig-3g.20gb: 1}', 0.429],
  ['{nvidia.com/mig-1g.5gb.me: 7}', 1],
  ['{nvidia.com/mig-2g.12gb: 2}', 1],
  ['{example.com/nic: 4}', 0],
])('a pod with %s holds %d GPUs', (limits, gpus) => {
  expect(gpusOf(stageOf(`${plain}\nresources: {limits: ${limits}}`).spec)).toBe(gpus);
});

test.each([
  ['', undefined],
  ['resources: {limits: {nvidia.com/gpu: 1}}', 'cuda'],
  ['resources: {requests: {nvidia.com/gpu: 2}}', 'cuda'],
  ['resources: {limits: {nvidia.com/mig-3g.20gb: 1}}', 'cuda'],
  ['resources: {limits: {nvidia.com/gpu: 1}}\ndevice: auto', 'cuda'],
  ['resources: {limits: {nvidia.com/gpu: 1}}\ndevice: cpu', 'cpu'],
  ['resources: {limits: {nvidia.com/gpu: 0}}', undefined],
  ['resources: {limits: {amd.com/gpu: 1, memory: 1Gi}}', undefined],
  ['resourceClaims: [{name: gpu, resourceClaimName: a}]', 'cuda'],
  ['resourceClaims: [{name: nic, resourceClaimName: a, gpus: 0}]', undefined],
  ['device: cuda', 'cuda'],
])('the trainer of a pod with "%s" must compute on %s', (asked, device) => {
  const file = stageConfigMap({ stage: stageOf(`${plain}\n${asked}`), number: 1, goneRuns: [] }).data?.['stage.json'];
  expect(JSON.parse(file ?? '')['device']).toBe(device);
});

test('the token of a service that scores is a variable of the trainer alone, from the key token of its Secret', () => {
  const http = 'http: {url: "http://grader/", token: {variable: R1_GRADER_TOKEN, secret: grader}}';
  const { trainer, workers } = podOf(
    `${plain.replace('sft: {data: [sums]}', '')}\nrolloutWorkers: 1\ngrpo: {prompts: [sums], steps: 1, rewards: [{${http}}]}`,
    '',
  );
  expect(trainer?.spec?.containers[0]?.env).toContainEqual({
    name: 'R1_GRADER_TOKEN',
    valueFrom: { secretKeyRef: { name: 'grader', key: 'token' } },
  });
  expect(JSON.stringify(workers)).not.toContain('grader');
});

test('so is that of a service that compares answers, in every stage that names its data', () => {
  const verifier = 'verifier: {http: {url: "http://grader/", token: {variable: R1_VERIFIER_TOKEN, secret: grader}}}';
  const data = `datasets: [{name: sums, file: /data/sums.jsonl, answer: {${verifier}}}]`;
  const { trainer } = podOf(`${data}\nmodel: {init: {}}\nsft: {data: [sums]}`, '');
  expect(trainer?.spec?.containers[0]?.env).toContainEqual({
    name: 'R1_VERIFIER_TOKEN',
    valueFrom: { secretKeyRef: { name: 'grader', key: 'token' } },
  });
});

test('the secret of rollout workers lies under a key that no manifest can name', () => {
  const hub = 'model: {hf: {repo: a/b, revision: v1, tokenSecret: sums-zero-1-rollout-8c5a1c0e}}';
  const attempt = attemptOf(`${plain.replace('model: {init: {}}', hub)}\nrolloutWorkers: 1`);
  const job = JSON.stringify([attemptJob(attempt), rolloutJob(attempt)]);
  const keys = [...job.matchAll(/"secretKeyRef":\{[^}]*"key":"([^"]*)"/g)].map(([, key]) => key);
  expect(keys).toEqual(['token']);
  expect(Object.keys(rolloutSecret(attempt, 'secret').stringData ?? {})).toEqual(['rollout-token']);
});

function problemsWith(more: string): string[] {
  const spec = `pipeline: sums\nstage: zero\n${plain}\n${more}`.replaceAll(/^/gm, '  ');
  const text = `apiVersion: r1.dev/v1alpha1\nkind: R1Stage\nmetadata: {name: sums-zero}\nspec:\n${spec}`;
  return validateManifest(text, 'test.yaml').problems.map(({ message }) => message);
}
