import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const good = `apiVersion: r1.dev/v1alpha1
kind: R1Pipeline
metadata: {name: good}
spec:
  base: {init: {hiddenSize: 32}}
  datasets: [{name: sums, generator: {task: addition}}]
  stages:
    - {name: zero, grpo: {prompts: [sums], steps: 2, rewards: [{accuracy: {}}]}}
`;
const bad = good.replace('steps: 2', 'steps: two').replace('prompts: [sums]', 'prompts: [sum]');

const directory = useSharedDirectory();
beforeAll(async () => {
  await writeFile(join(directory(), 'good.yaml'), good);
  await writeFile(join(directory(), 'bad.yaml'), bad);
});

test('says what is valid', async () => {
  const { code, stdout, stderr } = await r1(['validate', 'good.yaml'], { cwd: directory() });
  expect([code, stdout, stderr]).toEqual([0, 'good.yaml: R1Pipeline good is valid\n', '']);
});

test('reports every problem of every file with its place', async () => {
  const { code, stdout, stderr } = await r1(['validate', 'bad.yaml', 'missing.yaml', 'good.yaml'], {
    cwd: directory(),
  });
  expect(code).toBe(64);
  expect(stdout).toContain('good.yaml: R1Pipeline good is valid');
  expect(stderr).toMatch(/^bad\.yaml:8:\d+: spec\.stages\[0\]\.grpo\.prompts\[0\]: found "sum", expected a dataset/m);
  expect(stderr).toMatch(/^bad\.yaml:8:\d+: spec\.stages\[0\]\.grpo\.steps: found "two", expected an integer/m);
  expect(stderr).toMatch(/^missing\.yaml: cannot be read/m);
});

test('reads stdin', async () => {
  const { code, stdout } = await r1(['validate', '-'], { stdin: good });
  expect([code, stdout]).toEqual([0, '-: R1Pipeline good is valid\n']);
});

test('run refuses a bad manifest before it writes anything', async () => {
  const { code, stderr } = await r1(['run', 'bad.yaml', '--state', 'state'], { cwd: directory() });
  expect(code).toBe(64);
  expect(stderr).toMatch(/^r1: bad\.yaml has 2 problems:\nbad\.yaml:8:/);
  expect((await r1(['get', '--state', 'state'], { cwd: directory() })).stdout).toBe('');
});
