import { expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readStageDefaults, withStageDefaults } from '../../../../operator/kube/apply/stage-defaults.ts';
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
