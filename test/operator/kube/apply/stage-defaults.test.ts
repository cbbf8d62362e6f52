import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readStageDefaults } from '../../../../operator/kube/apply/stage-defaults.ts';
import { hasOtherDefaults, madeWith, withStageDefaults } from '../../../../operator/kube/objects/stage-defaults.ts';
import { stageOf } from '../../../support/stage-objects.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const cpu =
  'model: {init: {}}\ndatasets: [{name: sums, generator: {task: addition}}]\npretrain: {data: [sums], steps: 3}';
const gpu = `${cpu}\nresources: {limits: {nvidia.com/gpu: 1}}`;
const directory = useTemporaryDirectory();
const defaults = {
  all: { priorityClassName: 'batch', nodeSelector: { pool: 'cpu' }, imagePullSecrets: ['registry'] },
  gpu: { nodeSelector: { pool: 'gpu' }, runtimeClassName: 'nvidia' },
};

test.each([
  {
    name: 'a stage on CPUs gets what is for all',
    stage: cpu,
    expected: { priorityClassName: 'batch', nodeSelector: { pool: 'cpu' }, imagePullSecrets: ['registry'] },
  },
  {
    name: 'a stage on GPUs gets what is for GPUs before what is for all',
    stage: gpu,
    expected: {
      priorityClassName: 'batch',
      nodeSelector: { pool: 'gpu' },
      runtimeClassName: 'nvidia',
      imagePullSecrets: ['registry'],
    },
  },
  {
    name: 'what the manifest says goes before both',
    stage: `${gpu}\nnodeSelector: {pool: mine}\nimagePullSecrets: [own]\npriorityClassName: urgent`,
    expected: {
      priorityClassName: 'urgent',
      nodeSelector: { pool: 'mine' },
      runtimeClassName: 'nvidia',
      imagePullSecrets: ['own'],
    },
  },
])('$name', ({ stage, expected }) => {
  const { priorityClassName, nodeSelector, runtimeClassName, imagePullSecrets } = withStageDefaults(
    stageOf(stage),
    defaults,
  ).spec;
  const found = { priorityClassName, nodeSelector, runtimeClassName, imagePullSecrets };
  expect(JSON.parse(JSON.stringify(found))).toEqual(expected);
});

const asking = (more: string) => withStageDefaults(stageOf(`${cpu}\n${more}`), defaults).spec.runtimeClassName;

test('parts of GPUs, and claims of devices, are GPUs', () => {
  expect(asking('resources: {limits: {nvidia.com/mig-1g.10gb: 1}}')).toBe('nvidia');
  expect(asking('resourceClaims: [{name: gpu, resourceClaimTemplateName: one}]')).toBe('nvidia');
  expect(asking('resourceClaims: [{name: nic, resourceClaimTemplateName: nic, gpus: 0}]')).toBeUndefined();
});

test('what a platform wants of every pod goes with it', () => {
  const all = { env: [{ name: 'HTTPS_PROXY', value: 'http://proxy' }], podLabels: { team: 'a' }, securityContext: {} };
  const { env, podLabels, securityContext } = withStageDefaults(stageOf(cpu), { all, gpu: {} }).spec;
  expect({ env, podLabels, securityContext }).toEqual(all);
});

test('a file with an unknown field is refused in words', async () => {
  const path = join(directory(), 'stage-defaults.json');
  await writeFile(path, JSON.stringify({ gpu: { nodeSelectors: {} } }));
  await expect(readStageDefaults(path)).rejects.toThrow(/stage-defaults\.json: .*nodeSelectors/s);
  await writeFile(path, JSON.stringify({ gpu: { runtimeClassName: 'nvidia' } }));
  expect(await readStageDefaults(path)).toEqual({ all: {}, gpu: { runtimeClassName: 'nvidia' } });
});

describe('a Job that waits was made with other defaults', () => {
  const image = 'r1-operator:0.1.0';
  const none = { all: {}, gpu: {} };
  const own = `${cpu}\npriorityClassName: urgent`;
  test.each([
    { name: 'one is taken away', before: defaults, after: { ...defaults, all: {} }, others: true },
    { name: 'one is added', before: none, after: defaults, others: true },
    { name: 'none', before: defaults, after: structuredClone(defaults), others: false },
    { name: 'one for other pods', before: defaults, after: { ...defaults, gpu: {} }, others: false },
    {
      name: 'one that its manifest names itself',
      stage: own,
      before: none,
      after: { ...none, all: { priorityClassName: 'batch' } },
      others: false,
    },
    { name: 'another image', before: none, after: none, later: 'r1-operator:0.2.0', others: true },
    {
      name: 'another image, while it waits in a queue',
      before: none,
      after: none,
      later: 'r1-operator:0.2.0',
      suspend: true,
      others: false,
    },
    {
      name: 'another image than its manifest names',
      stage: `${cpu}\nimage: mine`,
      before: none,
      after: none,
      later: 'r1-operator:0.2.0',
      others: false,
    },
  ])('$name', ({ stage = cpu, before, after, later = image, suspend = false, others }) => {
    const annotations = madeWith(stageOf(stage), before, image);
    const job = { metadata: { annotations }, spec: { suspend, template: {} } };
    expect(hasOtherDefaults(job, madeWith(stageOf(stage), after, later))).toBe(others);
  });

  test('one that does not say what it was made with stays', () => {
    expect(hasOtherDefaults({ metadata: {} }, madeWith(stageOf(cpu), defaults, image))).toBe(false);
  });
});
