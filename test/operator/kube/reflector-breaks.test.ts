import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { type Answer } from '../../support/fake-api.ts';
import {
  bookmark,
  bookmarksFor,
  ended,
  event,
  expired,
  list,
  listsOf,
  object,
  Observed,
  open,
  refused,
  script,
  timing,
  watchesOf,
} from './scripted-watch.ts';

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
