import { expect, test } from '@jest/globals';
import { StatusServer } from '../../../operator/kube/health.ts';
import { OperatorMetrics } from '../../../operator/kube/metrics.ts';
import { WorkQueue } from '../../../operator/queue.ts';

async function read(server: StatusServer, path: string): Promise<[status: number, body: string]> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return [response.status, await response.text()];
}

test('a process is alive before it is ready, and says why it is not', async () => {
  let reason: string | undefined = 'the list of R1Stage has not come yet';
  const server = await StatusServer.health(0, () => reason);
  expect(await read(server, '/healthz')).toEqual([200, 'ok\n']);
  expect(await read(server, '/readyz')).toEqual([503, 'the list of R1Stage has not come yet\n']);
  reason = undefined;
  expect(await read(server, '/readyz?verbose')).toEqual([200, 'ok\n']);
  expect(await read(server, '/metrics')).toEqual([404, 'not found\n']);
  await server.close();
});

test('a port that is taken is an error', async () => {
  const server = await StatusServer.health(0, () => undefined);
  await expect(StatusServer.health(server.port, () => undefined)).rejects.toThrow('EADDRINUSE');
  await server.close();
});

test('metrics have one sample for each label', async () => {
  const metrics = new OperatorMetrics();
  const states = ['Running', 'Running', 'Succeeded'];
  const queue = new WorkQueue({ process: () => Promise.resolve(undefined), concurrency: 1, onError: () => undefined });
  for (const key of ['a/1', 'a/2', 'b/1']) queue.add(key);
  metrics.watchStates('stages', () => states);
  metrics.watchQueues({ R1Stage: queue });
  metrics.reconciled('R1Stage', 'done', 20);
  metrics.waited('R1Stage', 2);
  metrics.requested({ method: 'GET', path: '/x', status: 200, ms: 40, watch: true });
  metrics.requested({ method: 'POST', path: '/x', status: 409, ms: 4, watch: false });
  metrics.watchRestarted('R1Stage', 'silent');
  metrics.attemptEnded('Failed', 'outOfMemory');
  metrics.attemptEnded('Succeeded', undefined);
  metrics.eventDropped();
  metrics.led(true);

  const server = await StatusServer.metrics(0, metrics.registry);
  const [, text] = await read(server, '/metrics');
  const samples = text.split('\n').filter((line) => line.startsWith('r1_') && !line.includes('_bucket'));
  expect(samples.toSorted()).toEqual([
    'r1_api_request_duration_seconds_count{verb="POST",code="409"} 1',
    'r1_api_request_duration_seconds_count{verb="WATCH",code="200"} 1',
    'r1_api_request_duration_seconds_sum{verb="POST",code="409"} 0.004',
    'r1_api_request_duration_seconds_sum{verb="WATCH",code="200"} 0.04',
    'r1_attempts_total{outcome="Failed",class="outOfMemory"} 1',
    'r1_attempts_total{outcome="Succeeded",class=""} 1',
    'r1_events_dropped_total 1',
    'r1_leader 1',
    'r1_queue_depth{kind="R1Stage"} 3',
    'r1_queue_wait_seconds_count{kind="R1Stage"} 1',
    'r1_queue_wait_seconds_sum{kind="R1Stage"} 0.002',
    'r1_reconcile_duration_seconds_count{kind="R1Stage",result="done"} 1',
    'r1_reconcile_duration_seconds_sum{kind="R1Stage",result="done"} 0.02',
    'r1_stages{state="Running"} 2',
    'r1_stages{state="Succeeded"} 1',
    'r1_watch_restarts_total{kind="R1Stage",reason="silent"} 1',
  ]);

  // A state that nothing is in any more has no sample.
  states.length = 0;
  expect((await read(server, '/metrics'))[1]).not.toContain('r1_stages{');
  await server.close();
});
