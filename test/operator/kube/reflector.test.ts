import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { WatchEnd, WatchTiming } from '../../../operator/kube/list-watch.ts';
import { Reflector, type ReflectorOptions } from '../../../operator/kube/reflector.ts';
import { configMaps, type ConfigMap, type Stored } from '../../../operator/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { answerJson, answerStatus, FakeApi, type Answer, type FakeRequest } from '../../support/fake-api.ts';

const timing: WatchTiming = { silenceMs: 10_000, lifeSeconds: [300, 300], backoffMs: [1, 20] };

function object(name: string, version: number, uid = `uid-${name}`, namespace = 'team') {
  return {
    metadata: { name, namespace, uid, resourceVersion: String(version), managedFields: [{}] },
    data: { version: String(version) },
  };
}

function event(type: string, name: string, version: number, uid?: string): string {
  return `${JSON.stringify({ type, object: object(name, version, uid) })}\n`;
}

function bookmark(version: number): string {
  return `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: String(version) } } })}\n`;
}

const expired = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })}\n`;

function list(version: number, ...items: object[]): Answer {
  return (_, response) => answerJson(response, { metadata: { resourceVersion: String(version) }, items });
}

/** A watch that says this and stays open. */
function open(...events: string[]): Answer {
  return (_, response) => {
    response.writeHead(200).flushHeaders();
    if (events.length > 0) response.write(events.join(''));
  };
}

/** A watch that says this and ends in order. */
function ended(...events: string[]): Answer {
  return (_, response) => void response.writeHead(200).end(events.join(''));
}

/** Not the last part of a list, unless the token of the next is empty. */
function page(next: string, ...items: object[]): Answer {
  return (_, response) => answerJson(response, { metadata: { resourceVersion: '1', continue: next }, items });
}

function refused(code: number, reason: string): Answer {
  return (_, response) => answerStatus(response, code, reason);
}

/** A watch that has a bookmark every 50 ms, and something to say at the end. */
function bookmarksFor(ms: number): Answer {
  return async (_, response) => {
    response.writeHead(200);
    for (let version = 11; version < 11 + ms / 50; version++) {
      response.write(bookmark(version));
      await sleep(50);
    }
    response.write(event('ADDED', 'a', 20));
  };
}

/** Answers lists and watches each in their order, the last one for ever. */
async function script(answers: { lists: Answer[]; watches: Answer[] }): Promise<FakeApi> {
  const next = { lists: 0, watches: 0 };
  return FakeApi.start((request, response) => {
    const kind = request.query.has('watch') ? 'watches' : 'lists';
    const answer = answers[kind][Math.min(next[kind]++, answers[kind].length - 1)];
    return answer?.(request, response);
  });
}

/** A reflector that wrote down what it said. */
class Observed {
  readonly reflector: Reflector<ConfigMap>;
  readonly changes: string[] = [];
  readonly restarts: WatchEnd[] = [];

  constructor(api: FakeApi, options: Partial<ReflectorOptions<ConfigMap>> = {}) {
    this.reflector = new Reflector({
      client: api.client(),
      kind: configMaps,
      timing,
      onRestart: (_, why) => this.restarts.push(why),
      ...options,
    });
    this.reflector.onChange((before, after) =>
      this.changes.push(`${describeObject(before)} → ${describeObject(after)}`),
    );
  }

  get state(): Record<string, string | undefined> {
    return Object.fromEntries([...this.reflector.store].map(([key, { data }]) => [key, data?.['version']]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reflector.stop();
  }
}

function describeObject(each: Stored<ConfigMap> | undefined): string {
  return each === undefined ? '·' : `${each.metadata.name}@${each.metadata.resourceVersion}`;
}

const watchesOf = ({ requests }: FakeApi): FakeRequest[] => requests.filter(({ query }) => query.has('watch'));
const listsOf = ({ requests }: FakeApi): FakeRequest[] => requests.filter(({ query }) => !query.has('watch'));

describe('following', () => {
  test('lists, then watches from the version of the list', async () => {
    await using api = await script({
      lists: [list(10, object('a', 5), object('b', 6))],
      watches: [open(event('ADDED', 'c', 11), event('MODIFIED', 'a', 12), event('DELETED', 'b', 13), bookmark(20))],
    });
    await using observed = new Observed(api, { labelSelector: 'r1.dev/stage' });
    await observed.reflector.start();
    expect(observed.reflector.synced).toBe(true);
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
    await observed.reflector.start();
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
    await observed.reflector.start();
    expect(observed.changes).toEqual(['· → b@2']);
    expect(listsOf(api)[2]?.query.has('limit')).toBe(false);
  });

  test('goes on from the newest version that it saw, bookmarks included', async () => {
    await using api = await script({
      lists: [list(10)],
      watches: [ended(event('ADDED', 'a', 11)), ended(bookmark(40)), ended(), open()],
    });
    await using observed = new Observed(api);
    await observed.reflector.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(4));
    expect(watchesOf(api).map(({ query }) => query.get('resourceVersion'))).toEqual(['10', '11', '40', '40']);
    expect(listsOf(api)).toHaveLength(1);
    expect(observed.changes).toEqual(['· → a@11']);
  });

  test('keeps only what is read', async () => {
    await using api = await script({ lists: [list(1, object('a', 1))], watches: [open(event('ADDED', 'b', 2))] });
    await using observed = new Observed(api);
    await observed.reflector.start();
    await eventually(() => expect(observed.reflector.store.size).toBe(2));
    for (const { metadata } of observed.reflector.store.values()) expect(metadata).not.toHaveProperty('managedFields');
    expect(observed.reflector.store.get('team/a')).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1' });
  });

  test('finds objects by index', async () => {
    await using api = await script({
      lists: [list(1, object('a', 1), object('b', 1))],
      watches: [open(event('MODIFIED', 'a', 2), event('DELETED', 'b', 3))],
    });
    await using observed = new Observed(api, { indexBy: ({ data }) => [data?.['version'] ?? '', 'all'] });
    await observed.reflector.start();
    await eventually(() => expect(observed.changes).toHaveLength(4));
    const names = (key: string) => observed.reflector.byIndex(key).map(({ metadata }) => metadata.name);
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
    await observed.reflector.start();
    await eventually(() => expect(observed.state).toEqual({ 'two/x': '1' }));
    expect(observed.changes.toSorted()).toEqual(['x@1 → ·', '· → x@1', '· → x@1'].toSorted());
  });
});

describe('breaks', () => {
  const events = [
    event('ADDED', 'ä', 11),
    event('MODIFIED', 'ä', 12),
    event('ADDED', 'b', 13),
    event('DELETED', 'ä', 14),
  ];
  const bytes = Buffer.from(events.join(''));

  test('a watch cut at any byte loses nothing and says nothing twice', async () => {
    for (let cut = 0; cut <= bytes.length; cut += 23) {
      const firstPart: Answer = (_, response) => {
        response.writeHead(200).write(bytes.subarray(0, cut), () => response.destroy());
      };
      // As an API server does: what follows the version that it is asked for.
      const rest: Answer = ({ query }, response) => {
        const from = Number(query.get('resourceVersion'));
        response.writeHead(200).write(events.slice(from - 10).join('') || bookmark(14));
      };
      await using api = await script({ lists: [list(10)], watches: [firstPart, rest] });
      await using observed = new Observed(api);
      await observed.reflector.start();
      await eventually(() => expect(observed.state).toEqual({ 'team/b': '13' }));
      expect(observed.changes).toEqual(['· → ä@11', 'ä@11 → ä@12', '· → b@13', 'ä@14 → ·']);
    }
  });

  test.each([
    { name: 'as an event', answer: ended(expired) },
    { name: 'as a status', answer: refused(410, 'Expired') },
  ])('a version that is too old ($name): lists again and tells the difference', async ({ answer }) => {
    await using api = await script({
      lists: [
        list(10, object('same', 1), object('changed', 2), object('gone', 3), object('replaced', 4)),
        list(50, object('same', 1), object('changed', 30), object('new', 40), object('replaced', 41, 'another uid')),
      ],
      watches: [answer, open()],
    });
    await using observed = new Observed(api);
    await observed.reflector.start();
    const same = observed.reflector.store.get('team/same');
    await eventually(() => expect(watchesOf(api)).toHaveLength(2));
    expect(observed.changes.slice(4)).toEqual([
      'gone@3 → ·',
      'changed@2 → changed@30',
      '· → new@40',
      'replaced@4 → ·',
      '· → replaced@41',
    ]);
    expect(observed.reflector.store.get('team/same')).toBe(same);
    expect(watchesOf(api)[1]?.query.get('resourceVersion')).toBe('50');
    expect(observed.restarts).toEqual(['expired']);
  });

  test('another error event is no reason to list: the watch goes on where it was', async () => {
    const error = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 500, reason: 'InternalError' } })}\n`;
    await using api = await script({ lists: [list(10)], watches: [ended(event('ADDED', 'a', 11), error), open()] });
    await using observed = new Observed(api);
    await observed.reflector.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(2));
    expect(watchesOf(api)[1]?.query.get('resourceVersion')).toBe('11');
    expect(listsOf(api)).toHaveLength(1);
    expect(observed.restarts).toEqual(['failed']);
  });

  test('a line that is no JSON breaks the watch, which goes on before it', async () => {
    await using api = await script({
      lists: [list(10)],
      watches: [ended(event('ADDED', 'a', 11), '{"type":"ADD\n'), open(event('ADDED', 'b', 12))],
    });
    await using observed = new Observed(api);
    await observed.reflector.start();
    await eventually(() => expect(observed.changes).toEqual(['· → a@11', '· → b@12']));
  });

  test('a watch that says nothing for too long is taken for dead, and its version for one that the server never had', async () => {
    await using api = await script({
      lists: [list(1000), list(10)],
      watches: [open(), open(event('ADDED', 'a', 11))],
    });
    await using observed = new Observed(api, { timing: { ...timing, silenceMs: 60 } });
    const startedAt = performance.now();
    await observed.reflector.start();
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '11' }));
    expect(performance.now() - startedAt).toBeGreaterThan(55);
    expect(observed.restarts[0]).toBe('silent');
    expect(watchesOf(api)[1]?.query.get('resourceVersion')).toBe('10');
  });

  test('a bookmark is a sign of life', async () => {
    await using api = await script({ lists: [list(10)], watches: [bookmarksFor(450), open()] });
    await using observed = new Observed(api, { timing: { ...timing, silenceMs: 250 } });
    await observed.reflector.start();
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '20' }));
    expect(observed.restarts).toEqual([]);
  });

  test('a server that never answers a watch is asked again', async () => {
    await using api = await script({ lists: [list(10)], watches: [() => undefined, open(event('ADDED', 'a', 11))] });
    await using observed = new Observed(api, { timing: { ...timing, silenceMs: 60 } });
    await observed.reflector.start();
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '11' }));
  });
});

describe('patience', () => {
  test.each([
    {
      name: 'lists that fail',
      lists: [refused(403, 'Forbidden')],
      watches: [open()],
    },
    {
      name: 'watches that fail',
      lists: [list(1)],
      watches: [refused(500, 'InternalError')],
    },
    { name: 'watches that end at once', lists: [list(1)], watches: [ended()] },
    { name: 'versions that are always too old', lists: [list(1)], watches: [ended(expired)] },
  ])('$name: asks less and less often', async ({ lists, watches }) => {
    await using api = await script({ lists, watches });
    await using observed = new Observed(api, { timing: { ...timing, backoffMs: [20, 10_000] } });
    void observed.reflector.start();
    await sleep(600);
    // 20 + 40 + 80 + 160 + 320 ms and half of it at the least; without back-off there would be hundreds.
    expect(api.requests.length).toBeLessThan(16);
    expect(api.requests.length).toBeGreaterThan(3);
  });

  test('after a success the next failure is forgiven as the first was', async () => {
    const fails = Array.from({ length: 4 }, () => refused(500, 'InternalError'));
    await using api = await script({
      lists: [list(1)],
      watches: [...fails, ended(bookmark(2)), ...fails, open(event('ADDED', 'a', 3))],
    });
    await using observed = new Observed(api, { timing: { ...timing, backoffMs: [10, 60_000] } });
    await observed.reflector.start();
    const startedAt = performance.now();
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '3' }));
    // Twice 10 + 20 + 40 + 80 ms at the most; eight doublings in a row would be 2,550 ms.
    expect(performance.now() - startedAt).toBeLessThan(1200);
  });
});

describe('stopping', () => {
  test('ends the watch, and no request follows', async () => {
    await using api = await script({ lists: [list(1)], watches: [open()] });
    const observed = new Observed(api);
    await observed.reflector.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(1));
    await observed.reflector.stop();
    await sleep(50);
    expect(api.requests).toHaveLength(2);
    expect(observed.restarts).toEqual([]);
  });

  test('before the first list has come', async () => {
    await using api = await script({ lists: [() => undefined], watches: [open()] });
    const observed = new Observed(api);
    const started = observed.reflector.start();
    expect(observed.reflector.synced).toBe(false);
    await observed.reflector.stop();
    await started;
    expect(observed.reflector.synced).toBe(false);
  });
});
