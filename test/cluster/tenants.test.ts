import { beforeAll, expect, test } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { schemaOf } from '../../operator/api/manifest.ts';
import { KubeClient } from '../../operator/kube/client/client.ts';
import { pipelines, stages } from '../../operator/kube/objects/r1-kinds.ts';
import { pipelineOf } from '../support/pipelines.ts';
import { type Schema, visitSchema } from '../support/visit-schema.ts';
import { describeCluster } from './support/describe-cluster.ts';
import { eventually } from './support/eventually.ts';
import { render } from './support/helm.ts';
import { announceSkipped, missingPrograms } from './support/tools.ts';

const missing = missingPrograms(['helm']);
if (missing !== undefined) announceSkipped('tests of the Helm chart', missing);

const tenants = {
  restricted: true,
  images: ['registry.example/ml/', 'registry.example/r1:1'],
  tokenSecrets: ['hub'],
  priorityClasses: ['batch'],
};

const model = (more: string) => `{hf: {repo: a/b, revision: v1${more}}}`;
const manifest = (more: string, hf = '') => `
${more}
base: ${model(hf)}
datasets: [{name: t, generator: {task: addition, digits: 1, rows: 20, heldOut: 5}}]
stages: [{name: x, evaluate: {data: [t]}}]`;

/** A stage whose reward is a service that is given the token of a Secret. */
const rewarded = (secret: string) => withReward(`{http: {url: "http://grader/", token: {secret: ${secret}}}}`);
const judged = (secret: string) =>
  withReward(`{judge: {endpoint: {url: "http://judge/", model: j, token: {secret: ${secret}}}}}`);
const judgeOfSamples = (secret: string) => `{endpoint: {url: "http://judge/", model: j, token: {secret: ${secret}}}}`;
const sampling = (more: string) => manifest('').replace('evaluate: {data: [t]}', `sample: {prompts: [t], ${more}}`);
const verified = (secret: string) =>
  manifest('').replace(
    '{name: t, generator: {task: addition, digits: 1, rows: 20, heldOut: 5}}',
    `{name: t, file: /data/t.jsonl, answer: {verifier: {http: {url: "http://grader/", token: {secret: ${secret}}}}}}`,
  );
const paired = (secret: string) => sampling(`pairs: {judge: ${judgeOfSamples(secret)}}`);
const labelled = (secret: string) => sampling(`labels: {judge: ${judgeOfSamples(secret)}, atLeast: 0.5}`);
const guarded = (secret: string) =>
  manifest('').replace(
    'evaluate: {data: [t]}',
    `grpo: {prompts: [t], steps: 50, rewards: [{accuracy: {}}], guard: {data: [t], judge: ${judgeOfSamples(secret)}}}`,
  );
const sieved = (secret: string) => sampling(`judge: ${judgeOfSamples(secret)}`);
const withReward = (reward: string) =>
  manifest('').replace('evaluate: {data: [t]}', `grpo: {prompts: [t], steps: 1, rewards: [{accuracy: {}}, ${reward}]}`);

describeCluster('tenants', (cluster) => {
  let namespace = '';
  let client: KubeClient;

  beforeAll(async () => {
    if (missing !== undefined) return;
    namespace = await cluster().namespace();
    const { objects } = await render({ tenants, watchNamespaces: [namespace] }, namespace);
    const policies = objects.filter(({ metadata }) => metadata.name.startsWith('r1-operator-tenants'));
    expect(policies).toHaveLength(4);
    await cluster().apply(policies);
    const config = new KubeConfig();
    config.loadFromFile(cluster().kubeconfig);
    client = new KubeClient(config);
    // The API server takes each policy up on its own, in no order.
    await eventually('the policies are in force', async () => {
      const problems = await Promise.all([problemOf(manifest('image: evil:2')), problemOfStage('evil:2')]);
      return problems.every((problem) => problem !== '');
    });
  });

  async function problemOf(spec: string): Promise<string> {
    const pipeline = pipelineOf(spec);
    const metadata = { ...pipeline.metadata, name: `p-${Math.random().toString(36).slice(2)}`, namespace };
    return problemIn(client.create(pipelines, { ...pipeline, metadata }));
  }

  async function problemOfStage(image: string, more: object = { evaluate: { data: ['t'] } }): Promise<string> {
    const spec = {
      pipeline: 'p',
      stage: 'x',
      image,
      model: { hf: { repo: 'a/b', revision: 'v1', tokenSecret: 'theirs' } },
      datasets: [{ name: 't', generator: { task: 'addition', digits: 1, rows: 20, heldOut: 5 } }],
      ...more,
    };
    const metadata = { name: `s-${Math.random().toString(36).slice(2)}`, namespace };
    return problemIn(
      client.create(stages, { apiVersion: 'r1.dev/v1alpha1', kind: 'R1Stage', metadata, spec } as never),
    );
  }

  const check = missing === undefined ? test : test.skip;

  check.each([
    manifest(''),
    manifest('image: registry.example/ml/trainer:2', ', tokenSecret: hub'),
    manifest('image: registry.example/r1:1\ndefaults: {priorityClassName: batch}'),
    rewarded('hub'),
    judged('hub'),
    verified('hub'),
    paired('hub'),
    sieved('hub'),
    labelled('hub'),
    guarded('hub'),
  ])('may have run what the lists have: %s', async (spec) => {
    expect(await problemOf(spec)).toBe('');
  });

  check.each([
    [
      manifest('image: docker.io/library/evil:2'),
      'image: found docker.io/library/evil:2, expected one of registry.example/ml/',
    ],
    [manifest('image: registry.example/r1:1-evil'), 'image: found registry.example/r1:1-evil'],
    [manifest('', ', tokenSecret: other-teams-token'), 'tokenSecret: found other-teams-token, expected one of hub'],
    [
      manifest('').replace('{name: x,', `{name: x, model: ${model(', tokenSecret: theirs')},`),
      'tokenSecret: found theirs, expected one of hub',
    ],
    [rewarded('theirs'), 'token.secret of a reward: found another, expected one of hub'],
    [judged('theirs'), 'token.secret of a reward: found another, expected one of hub'],
    [verified('theirs'), 'token.secret of a verifier: found another, expected one of hub'],
    [paired('theirs'), 'token.secret of a judge: found another, expected one of hub'],
    [sieved('theirs'), 'token.secret of a judge: found another, expected one of hub'],
    [labelled('theirs'), 'token.secret of a judge: found another, expected one of hub'],
    [guarded('theirs'), 'token.secret of a judge: found another, expected one of hub'],
    [manifest('defaults: {priorityClassName: system-node-critical}'), 'priorityClassName: found system-node-critical'],
    [
      manifest('defaults: {serviceAccountName: builder}'),
      'serviceAccountName: found builder, expected none to be named',
    ],
  ])('may not name what they do not have: %s', async (spec, words) => {
    expect(await problemOf(spec)).toContain(words);
  });

  check('may not name it in a stage of their own either', async () => {
    expect(await problemOfStage('evil:2')).toContain('image: found evil:2');
    const token = { variable: 'R1_A_KEY', secret: 'theirs' };
    for (const reward of [
      { http: { url: 'http://grader/', token } },
      { judge: { endpoint: { url: 'http://judge/', model: 'j', token } } },
    ]) {
      const grpo = { prompts: ['t'], steps: 1, rewards: [reward] };
      const problem = await problemOfStage('registry.example/r1:1', { grpo, model: { init: {} } });
      expect(problem).toContain('token.secret of a reward: found another');
    }
    const judge = { endpoint: { url: 'http://judge/', model: 'j', token } };
    for (const stage of [
      { sample: { prompts: ['t'], judge } },
      { sample: { prompts: ['t'], pairs: { judge } } },
      { sample: { prompts: ['t'], labels: { judge } } },
      { grpo: { prompts: ['t'], steps: 50, rewards: [{ accuracy: {} }], guard: { data: ['t'], judge } } },
    ]) {
      const problem = await problemOfStage('registry.example/r1:1', { ...stage, model: { init: {} } });
      expect(problem).toContain('token.secret of a judge: found another');
    }
  });
});

test.each([
  ['R1Stage', ''],
  ['R1Pipeline', 'stages[].'],
] as const)('of each place of an %s where a Secret can be named a case is above', (kind, stage) => {
  const found: string[] = [];
  visitSchema(schemaOf(kind) as Schema, '', (_, path) => {
    if (/secret[^.[\]]*$/i.test(path)) found.push(path);
  });
  const ofModel = kind === 'R1Stage' ? [] : ['base.hf.tokenSecret'];
  expect(found.toSorted()).toEqual(
    [
      ...ofModel,
      `${stage}model.hf.tokenSecret`,
      'datasets[].answer.verifier.http.token.secret',
      `${stage}grpo.rewards[].http.token.secret`,
      `${stage}grpo.rewards[].judge.endpoint.token.secret`,
      `${stage}grpo.guard.judge.endpoint.token.secret`,
      `${stage}sample.judge.endpoint.token.secret`,
      `${stage}sample.pairs.judge.endpoint.token.secret`,
      `${stage}sample.labels.judge.endpoint.token.secret`,
      // For kubelets: no image sees them.
      'imagePullSecrets',
    ]
      .map((path) => `.spec.${path}`)
      .toSorted(),
  );
});

async function problemIn(creation: Promise<unknown>): Promise<string> {
  return creation.then(
    () => '',
    (error: Error) => error.message,
  );
}
