import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { LastWords } from '../../../../operator/kube/apply/last-words.ts';
import type { ConfigMap, KubeObject, Pod, Stored } from '../../../../operator/kube/client/resources.ts';
import { attemptLabels, completionIndexLabel } from '../../../../operator/kube/objects/labels.ts';
import type { R1Stage } from '../../../../operator/api/resources/stage.ts';
import { pod, running, trainer } from '../../../support/attempt-objects.ts';
import { eventually } from '../../../support/eventually.ts';
import { stageOf } from '../../../support/stage-objects.ts';

const plain = 'datasets: [{name: sums, generator: {task: addition}}]\nmodel: {init: {}}\nsft: {data: [sums]}';
const stage = stageOf(plain) as Stored<R1Stage>;

/** A cluster whose pods say what a test writes. */
function start({ stageIsThere = true } = {}) {
  const logs: { readonly path: string; readonly log: PassThrough }[] = [];
  const kept: ConfigMap[] = [];
  const words = new LastWords({
    client: {
      async stream(path, _query, signal) {
        const log = new PassThrough();
        signal.addEventListener('abort', () => log.destroy(new Error('aborted')));
        logs.push({ path, log });
        return log;
      },
      async create<T extends KubeObject>(_kind: unknown, object: T) {
        kept.push(object as ConfigMap);
        return object as Stored<T>;
      },
    },
    stageOf: () => (stageIsThere ? stage : undefined),
    logger: { warn: () => undefined } as never,
  });
  words.start([]);
  return { words, logs, kept };
}

function podThatGoes(status: Pod['status'] = trainer('Running', running()), more: object = {}): Stored<Pod> {
  const labels = { [attemptLabels.component]: 'trainer', [attemptLabels.attempt]: '2' };
  const metadata = { name: 'a-2-x', uid: 'x', namespace: 'team', labels, deletionTimestamp: '2026-01-01T12:00:00Z' };
  return pod(status, { ...metadata, ...more }) as Stored<Pod>;
}

test('keeps what a pod said until it ended, for as long as its stage is there', async () => {
  const { words, logs, kept } = start();
  words.see(podThatGoes());
  words.see(podThatGoes()); // again, as its status changes
  await eventually(() => expect(logs).toMatchObject([{ path: '/api/v1/namespaces/team/pods/a-2-x/log' }]));
  logs[0]?.log.write('step 1\n');
  logs[0]?.log.end('saved step 1, ends\n');
  await eventually(() => expect(kept).toHaveLength(1));
  expect(kept).toMatchObject([
    {
      metadata: {
        name: 'a-2-x-log',
        namespace: 'team',
        labels: { [attemptLabels.attempt]: '2', [attemptLabels.component]: 'trainer' },
        ownerReferences: [{ kind: 'R1Stage', name: stage.metadata.name }],
      },
      immutable: true,
      data: { log: 'step 1\nsaved step 1, ends\n' },
    },
  ]);
});

test('keeps the last 64 KiB, in whole lines', async () => {
  const { words, logs, kept } = start();
  words.see(podThatGoes());
  await eventually(() => expect(logs).toHaveLength(1));
  for (let line = 0; line < 2000; line++) logs[0]?.log.write(`${'é'.repeat(50)} ${line}\n`);
  logs[0]?.log.end();
  await eventually(() => expect(kept).toHaveLength(1));
  const log = kept[0]?.data?.['log'] ?? '';
  expect(Buffer.byteLength(log)).toBeLessThanOrEqual(64 * 1024);
  expect(Buffer.byteLength(log)).toBeGreaterThan(63 * 1024);
  expect(log).toMatch(/^é{50} \d+\n/);
  expect(log).toMatch(/ 1999\n$/);
});

test('a log that does not end is kept when its pod is gone', async () => {
  const { words, logs, kept } = start();
  words.see(podThatGoes());
  await eventually(() => expect(logs).toHaveLength(1));
  logs[0]?.log.write('hung\n');
  await eventually(() => expect(logs[0]?.log.readableLength).toBe(0));
  words.forget('x');
  await eventually(() => expect(kept).toMatchObject([{ data: { log: 'hung\n' } }]));
});

test('a rollout worker keeps its number', async () => {
  const { words, logs, kept } = start();
  const labels = {
    [attemptLabels.component]: 'rollout-worker',
    [attemptLabels.attempt]: '2',
    [completionIndexLabel]: '3',
  };
  words.see(
    podThatGoes(
      {
        containerStatuses: [{ ...trainer('Running', running())?.containerStatuses?.[0], name: 'rollout' }],
      } as Pod['status'],
      { labels },
    ),
  );
  await eventually(() => expect(logs).toHaveLength(1));
  logs[0]?.log.end('sampled\n');
  await eventually(() => expect(kept).toMatchObject([{ metadata: { labels } }]));
});

test.each([
  { name: 'a pod that stays', more: { deletionTimestamp: undefined } },
  { name: 'a pod that never began', status: { phase: 'Pending' } },
  { name: 'a pod whose stage is gone or goes', stageIsThere: false },
])('asks nothing of $name', ({ more, status, stageIsThere }) => {
  const { words, logs } = start({ stageIsThere });
  words.see(podThatGoes(status, more));
  expect(logs).toEqual([]);
});

test('leaves pods to the operator that leads', async () => {
  const { words, logs, kept } = start();
  words.see(podThatGoes());
  await eventually(() => expect(logs).toHaveLength(1));
  logs[0]?.log.write('step 1\n');
  words.stop();
  words.see(podThatGoes());
  expect(logs).toHaveLength(1);
  words.start([podThatGoes()]);
  await eventually(() => expect(logs).toHaveLength(2));
  logs[1]?.log.end('step 1\nstep 2\n');
  await eventually(() => expect(kept).toMatchObject([{ data: { log: 'step 1\nstep 2\n' } }]));
});
