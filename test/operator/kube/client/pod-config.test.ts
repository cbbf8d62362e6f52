import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import type { Applied } from '../../../../operator/kube/client/credentials.ts';
import { PodConfig } from '../../../../operator/kube/client/pod-config.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const environment = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

beforeEach(async () => {
  await writeFile(join(directory(), 'ca.crt'), 'authority');
  await writeFile(join(directory(), 'token'), 'first\n');
  await writeFile(join(directory(), 'namespace'), 'r1-system');
});

async function applied(config: PodConfig | undefined): Promise<Applied> {
  const options: Applied = {};
  await config?.applyToHTTPSOptions(options);
  return options;
}

test('a pod finds its cluster, its namespace, and who it is', async () => {
  const config = PodConfig.load(environment, directory());

  expect(config?.getCurrentCluster()).toEqual({ server: 'https://10.96.0.1:443' });
  expect(config?.namespace).toBe('r1-system');
  expect(await applied(config)).toEqual({ ca: Buffer.from('authority'), headers: { Authorization: 'Bearer first' } });
});

test('a token that the kubelet has replaced is used', async () => {
  const config = PodConfig.load(environment, directory());
  await writeFile(join(directory(), 'token'), 'second');

  expect((await applied(config)).headers).toEqual({ Authorization: 'Bearer second' });
});

test('IPv6 addresses stand in brackets', () => {
  const config = PodConfig.load({ ...environment, KUBERNETES_SERVICE_HOST: 'fd00::1' }, directory());

  expect(config?.getCurrentCluster()).toEqual({ server: 'https://[fd00::1]:443' });
});

test.each([
  { name: 'without the variables of a pod', variables: {}, at: '.' },
  { name: 'without a token', variables: environment, at: 'none' },
])('there is no such cluster $name', ({ variables, at }) => {
  expect(PodConfig.load(variables, join(directory(), at))).toBeUndefined();
});
