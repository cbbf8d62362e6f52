import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { AssumeCache } from '../../../../operator/kube/client/assume-cache.ts';
import { Informer } from '../../../../operator/kube/client/informer.ts';
import { configMaps, type ConfigMap, type Stored } from '../../../../operator/kube/client/resources.ts';
import { eventually } from '../../../support/eventually.ts';
import { answerJson, FakeApi } from '../../../support/fake-api.ts';

let api: FakeApi;
let informer: Informer<ConfigMap>;
let cache: AssumeCache<ConfigMap>;
let watch: ServerResponse | undefined;
let list: { version: number; items: Stored<ConfigMap>[] };
let heard: string[];

beforeEach(async () => {
  list = { version: 10, items: [] };
  heard = [];
  api = await FakeApi.start((request, response) => {
    const { version, items } = list;
    if (!request.query.has('watch')) answerJson(response, { metadata: { resourceVersion: String(version) }, items });
    else {
      response.writeHead(200).flushHeaders();
      watch = response;
    }
  });
  informer = new Informer({
    client: api.client(),
    kind: configMaps,
    indexBy: () => ['all'],
    timing: { backoffMs: [1, 20] },
  });
  cache = new AssumeCache(informer, () => ['all']);
  cache.onChange((before, after, origin) => heard.push(`${words(before)} → ${words(after)} (${origin})`));
  await informer.start();
  await eventually(() => expect(watch).toBeDefined());
});

afterEach(async () => {
  await informer.stop();
  await api.close();
  watch = undefined;
});

function object(name: string, version: number): Stored<ConfigMap> {
  return {
    metadata: { name, namespace: 'team', uid: name, resourceVersion: String(version), creationTimestamp: '' },
  };
}

function words(each: Stored<ConfigMap> | undefined): string {
  return each === undefined ? '·' : `${each.metadata.name}@${each.metadata.resourceVersion}`;
}

function send(type: string, name: string, version: number): void {
  watch?.write(`${JSON.stringify({ type, object: object(name, version) })}\n`);
}

function withSpec(version: number, seed: number) {
  return { ...object('a', version), spec: { stages: [{ seed }] } };
}

test('what the watch tells of an own write is kept once', async () => {
  const written = withSpec(11, 1);
  cache.assume(written);
  watch?.write(`${JSON.stringify({ type: 'ADDED', object: withSpec(11, 1) })}\n`);
  await followed(11);
  expect(informer.store.get('team/a')).toBe(written);
});

test('an own write that was changed since gives its spec to what the watch tells', async () => {
  const written = withSpec(11, 1);
  cache.assume(written);
  watch?.write(`${JSON.stringify({ type: 'ADDED', object: withSpec(12, 1) })}\n`);
  await followed(12);
  expect((informer.store.get('team/a') as { spec?: unknown } | undefined)?.spec).toBe(written.spec);
});

test('a spec that stays as it is stays the same object, whoever tells of another state', async () => {
  const tell = async (version: number, seed: number): Promise<void> => {
    watch?.write(`${JSON.stringify({ type: 'MODIFIED', object: withSpec(version, seed) })}\n`);
    await followed(version);
  };
  const specNow = () => (cache.get('team/a') as { spec?: unknown } | undefined)?.spec;
  await tell(11, 1);
  const first = specNow();
  cache.assume(withSpec(12, 1));
  expect(specNow()).toBe(first);
  await tell(13, 1);
  expect(specNow()).toBe(first);
  await tell(14, 2);
  expect(specNow()).toEqual({ stages: [{ seed: 2 }] });
});

/** Waits until the watch has come this far. */
async function followed(version: number): Promise<void> {
  send('BOOKMARK', '', version);
  await eventually(() => expect(informer.isPast(object('', version))).toBe(true));
}

function seen(): string[] {
  const byIndex = cache.byIndex('all').map(words);
  expect(byIndex.map((each) => each.split('@')[0]).map((name) => words(cache.get(`team/${name}`)))).toEqual(byIndex);
  return byIndex;
}

test('an own write is there before the watch tells of it, and is told once', async () => {
  cache.assume(object('a', 11));
  expect(seen()).toEqual(['a@11']);
  send('ADDED', 'a', 11);
  await followed(12);
  expect(seen()).toEqual(['a@11']);
  expect(heard).toEqual(['· → a@11 (assumed)']);
});

test('an own write that the watch was faster with is told once', async () => {
  send('ADDED', 'a', 11);
  await followed(11);
  cache.assume(object('a', 11));
  expect(heard).toEqual(['· → a@11 (watch)']);
});

test('an own write stays as long as the watch is behind, whatever it tells of others', async () => {
  cache.assume(object('a', 20));
  send('ADDED', 'b', 15);
  await followed(19);
  expect(seen()).toEqual(['b@15', 'a@20']);
});

test('events that are older than an own write are passed over', async () => {
  send('ADDED', 'a', 11);
  await followed(11);
  cache.assume(object('a', 13));
  send('MODIFIED', 'a', 12);
  await followed(12);
  expect(seen()).toEqual(['a@13']);
  send('MODIFIED', 'a', 13);
  send('MODIFIED', 'a', 14);
  await followed(14);
  expect(heard).toEqual(['· → a@11 (watch)', 'a@11 → a@13 (assumed)', 'a@13 → a@14 (watch)']);
});

test('of two own writes the later one stays, in whatever order they are answered', () => {
  cache.assume(object('a', 12));
  cache.assume(object('a', 11));
  expect(seen()).toEqual(['a@12']);
});

test('what was written and deleted while no watch was there is gone with the next list', async () => {
  cache.assume(object('a', 11));
  list = { version: 30, items: [] };
  watch?.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`);
  await eventually(() => expect(seen()).toEqual([]));
});

test('what was changed by an own write and deleted while no watch was there is told to be gone', async () => {
  send('ADDED', 'a', 11);
  await followed(11);
  cache.assume(object('a', 12));
  list = { version: 30, items: [] };
  watch?.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`);
  await eventually(() => expect(heard.at(-1)).toBe('a@12 → · (watch)'));
  expect(seen()).toEqual([]);
});
