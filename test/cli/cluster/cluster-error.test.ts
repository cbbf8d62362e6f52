import { expect, test } from '@jest/globals';
import { ClusterError, explain } from '../../../cli/cluster/cluster-error.ts';
import { ApiError, ConnectionError } from '../../../operator/kube/client/api-error.ts';

const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6443'), { code: 'ECONNREFUSED' });

test.each([
  {
    error: new ConnectionError('GET /apis', refused),
    exitCode: 69,
    says: 'found no answer from https://server (connect ECONNREFUSED 127.0.0.1:6443)',
  },
  { error: new ApiError(500, 'InternalError', 'etcd is full'), exitCode: 69, says: 'answers 500: etcd is full' },
  { error: new ApiError(429, '', 'slow down'), exitCode: 69, says: 'answers 429: slow down' },
  { error: new ApiError(401, 'Unauthorized', 'Unauthorized'), exitCode: 77, says: 'does not accept these credentials' },
  { error: new ApiError(403, 'Forbidden', 'User "ann" cannot list'), exitCode: 77, says: 'User "ann" cannot list' },
  { error: new ApiError(404, '', '404 page not found'), exitCode: 64, says: 'expected that r1-operator is installed' },
  { error: new ApiError(404, 'NotFound', 'namespaces "x" not found'), exitCode: 64, says: 'namespaces "x" not found' },
  { error: new ApiError(422, 'Invalid', 'spec.seed: too big'), exitCode: 64, says: 'spec.seed: too big' },
])('$error.message: exit code $exitCode', ({ error, exitCode, says }) => {
  const explained = explain(error, 'context kind, namespace team', 'https://server', 'list r1pipelines');
  expect(explained).toBeInstanceOf(ClusterError);
  const { message, exitCode: code } = explained as ClusterError;
  expect(code).toBe(exitCode);
  expect(message).toMatch(/^context kind, namespace team: cannot list r1pipelines: /);
  expect(message).toContain(says);
});

test('what came from no cluster stays as it is', () => {
  const bug = new TypeError('undefined is no function');
  expect(explain(bug, 'here', 'https://server', 'list r1pipelines')).toBe(bug);
});
