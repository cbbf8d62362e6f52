import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../../support/eventually.ts';
import { FakeApi, type Answer } from '../../../support/fake-api.ts';
import {
  bookmark,
  ended,
  event,
  expired,
  list,
  listsOf,
  object,
  Observed,
  open,
  page,
  refused,
  script,
  watchesOf,
} from './scripted-watch.ts';

describe('following', () => {
  test('lists, then watches from the version of the list', async () => {
    await using api = await script({
      lists: [list(10, object('a', 5), object('b', 6))],
      watches: [open(event('ADDED', 'c', 11), event('MODIFIED', 'a', 12), event('DELETED', 'b', 13), bookmark(20))],
    });
    await using observed = new Observed(api, { labelSelector: 'r1.dev/stage' });
    await observed.informer.start();
    expect(observed.informer.synced).toBe(true);
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '12', 'team/c': '11' }));
    expect(observed.changes).toEqual(['· → a@5', '· → b@6', '· → c@11', 'a@5 → a@12', 'b@13 → ·']);
    expect(
      api.requests.map(({ path, query }) => [path, query.get('labelSelector'), query.get('resourceVersion')]),
    ).toEqual([
      ['/api/v1/configmaps', 'r1.dev/stage', null],
      ['/api/v1/configmaps', 'r1.dev/stage', '10'],
    ]);
    expect(watchesOf(api)[0]?.query.get('allowWatchBookmarks')).toBe('true');
    expect(watchesOf(api)[0]?.query.get('timeoutSeconds')).toBe('300');
  });

  test('reads long lists page by page', async () => {
    await using api = await script({
      lists: [page('t1', object('a', 1)), page('t2', object('b', 2)), page('', object('c', 3))],
      watches: [open()],
    });
    await using observed = new Observed(api);
    await observed.informer.start();
    expect(observed.state).toEqual({ 'team/a': '1', 'team/b': '2', 'team/c': '3' });
    expect(listsOf(api).map(({ query }) => [query.get('limit'), query.get('continue')])).toEqual([
      ['500', null],
      ['500', 't1'],
      ['500', 't2'],
    ]);
  });

  test('reads everything at once when a page expires before it is read', async () => {
    await using api = await script({
      lists: [page('old', object('a', 1)), refused(410, 'Expired'), list(9, object('b', 2))],
      watches: [open()],
    });
    await using observed = new Observed(api);
    await observed.informer.start();
    expect(observed.changes).toEqual(['· → b@2']);
    expect(listsOf(api)[2]?.query.has('limit')).toBe(false);
  });

  test('goes on from the newest version that it saw, bookmarks included', async () => {
    await using api = await script({
      lists: [list(10)],
      watches: [ended(event('ADDED', 'a', 11)), ended(bookmark(40)), ended(), open()],
    });
    await using observed = new Observed(api);
    await observed.informer.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(4));
    expect(watchesOf(api).map(({ query }) => query.get('resourceVersion'))).toEqual(['10', '11', '40', '40']);
    expect(listsOf(api)).toHaveLength(1);
    expect(observed.changes).toEqual(['· → a@11']);
  });

  test('keeps only what is read', async () => {
    await using api = await script({ lists: [list(1, object('a', 1))], watches: [open(event('ADDED', 'b', 2))] });
    await using observed = new Observed(api);
    await observed.informer.start();
    await eventually(() => expect(observed.informer.store.size).toBe(2));
    for (const { metadata } of observed.informer.store.values()) expect(metadata).not.toHaveProperty('managedFields');
    expect(observed.informer.store.get('team/a')).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
  });

  test('finds objects by index', async () => {
    await using api = await script({
      lists: [list(1, object('a', 1), object('b', 1))],
      watches: [open(event('MODIFIED', 'a', 2), event('DELETED', 'b', 3))],
    });
    await using observed = new Observed(api, { indexBy: ({ data }) => [data?.['version'] ?? '', 'all'] });
    await observed.informer.start();
    await eventually(() => expect(observed.changes).toHaveLength(4));
    const names = (key: string) => observed.informer.byIndex(key).map(({ metadata }) => metadata.name);
    expect([names('1'), names('2'), names('all'), names('other')]).toEqual([[], ['a'], ['a'], []]);
  });

  test('several namespaces are one store, and a list of one says nothing about another', async () => {
    const inNamespace: Answer = (request, response) => {
      const { path, query } = request;
      const namespace = path.split('/')[4] ?? '';
      const lists = listsOf(api).filter((each) => each.path === path).length;
      if (query.has('watch'))
        return void response.writeHead(200).end(namespace === 'one' && lists === 1 ? expired : bookmark(2));
      return list(1, ...(lists === 1 ? [object('x', 1, namespace, namespace)] : []))(request, response);
    };
    await using api = await FakeApi.start(inNamespace);
    await using observed = new Observed(api, { namespaces: ['one', 'two'] });
    await observed.informer.start();
    await eventually(() => expect(observed.state).toEqual({ 'two/x': '1' }));
    expect(observed.changes.toSorted()).toEqual(['x@1 → ·', '· → x@1', '· → x@1'].toSorted());
  });
});

describe('stopping', () => {
  test('ends the watch, and no request follows', async () => {
    await using api = await script({ lists: [list(1)], watches: [open()] });
    const observed = new Observed(api);
    await observed.informer.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(1));
    await observed.informer.stop();
    await sleep(50);
    expect(api.requests).toHaveLength(2);
    expect(observed.restarts).toEqual([]);
  });

  test('before the first list has come', async () => {
    await using api = await script({ lists: [() => undefined], watches: [open()] });
    const observed = new Observed(api);
    const started = observed.informer.start();
    expect(observed.informer.synced).toBe(false);
    await observed.informer.stop();
    await started;
    expect(observed.informer.synced).toBe(false);
  });
});
