import { expect, test } from '@jest/globals';
import { countLines } from '../../../bench/operator/audit.ts';

const second = (at: number): string => new Date(at * 1000).toISOString();

function line(verb: string, resource: string, more: { at?: number; user?: string; stage?: string } = {}): string {
  const { at = 5, user = 'operator', stage = 'ResponseComplete' } = more;
  const [apiGroup, name, subresource] = resource.split('/');
  return JSON.stringify({
    stage,
    verb,
    user: { username: user },
    objectRef: { apiGroup, resource: name, subresource },
    requestURI: `/apis/${resource}`,
    stageTimestamp: second(at),
  });
}

test('requests of a user are counted by kind, in the time asked for', () => {
  const lines = [
    line('create', 'batch/jobs'),
    line('create', 'batch/jobs', { at: 9 }),
    line('create', 'batch/jobs', { at: 11 }),
    line('create', 'batch/jobs', { user: 'someone else' }),
    line('patch', 'r1.dev/r1stages/status'),
    line('get', '/pods/log'),
    '',
  ];

  expect(countLines(lines, 'operator', 0, 10_000)).toEqual({
    total: 4,
    writes: 3,
    leases: 0,
    byKind: { 'create batch/jobs': 2, 'patch r1.dev/r1stages/status': 1, 'get pods/log': 1 },
  });
});

test('a watch counts once, when it begins; leases count apart', () => {
  const lines = [
    line('watch', 'batch/jobs', { stage: 'ResponseStarted' }),
    line('watch', 'batch/jobs', { stage: 'ResponseComplete' }),
    line('update', 'coordination.k8s.io/leases'),
  ];

  expect(countLines(lines, 'operator', 0, 10_000)).toMatchObject({ total: 1, writes: 0, leases: 1 });
});
