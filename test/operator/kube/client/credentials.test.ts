import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { expect, test } from '@jest/globals';
import { Credentials } from '../../../../operator/kube/client/credentials.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const cluster = { name: 'c', server: 'https://127.0.0.1:1', skipTLSVerify: false };

function credentials(user: object): Credentials {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(cluster, { name: 'u', ...user });
  return new Credentials(config);
}

test.each([
  { name: 'a token', user: { token: 'abc' }, authorization: 'Bearer abc' },
  { name: 'a password', user: { username: 'me', password: 'x' }, authorization: 'Basic bWU6eA==' },
  {
    name: 'what a plugin prints',
    user: {
      exec: {
        command: process.execPath,
        args: ['-e', 'console.log(JSON.stringify({ status: { token: process.env.T } }))'],
        env: [{ name: 'T', value: 'of-plugin' }],
      },
    },
    authorization: 'Bearer of-plugin',
  },
])('signs in with $name', async ({ user, authorization }) => {
  expect((await credentials(user).get()).headers).toMatchObject({ authorization });
});

test('a new certificate gets new connections, the same one keeps them', async () => {
  const certFile = join(directory(), 'tls.crt');
  await writeFile(certFile, 'old');
  const own = credentials({ certFile });
  const { dispatcher } = await own.get();
  own.refused();
  expect((await own.get()).dispatcher).toBe(dispatcher);
  await writeFile(certFile, 'new');
  expect((await own.get()).dispatcher).toBe(dispatcher); // not looked at again so soon
  own.refused();
  expect((await own.get()).dispatcher).not.toBe(dispatcher);
  await own.close();
});

test('a kubeconfig without a cluster is an error', () => {
  expect(() => new Credentials(new KubeConfig())).toThrow('no current context');
});
