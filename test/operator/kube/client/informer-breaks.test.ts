import type { ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import type { Clock } from '../../../../operator/clock.ts';
import { eventually } from '../../../support/eventually.ts';
import { type Answer } from '../../../support/fake-api.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
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
      await observed.informer.start();
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
    await observed.informer.start();
    const same = observed.informer.store.get('team/same');
    await eventually(() => expect(watchesOf(api)).toHaveLength(2));
    expect(observed.changes.slice(4)).toEqual([
      'gone@3 → ·',
      'changed@2 → changed@30',
      '· → new@40',
      'replaced@4 → ·',
      '· → replaced@41',
    ]);
    expect(observed.informer.store.get('team/same')).toBe(same);
    expect(watchesOf(api)[1]?.query.get('resourceVersion')).toBe('50');
    expect(observed.restarts).toEqual(['expired']);
  });

  test('another error event is no reason to list: the watch goes on where it was', async () => {
    const error = `${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 500, reason: 'InternalError' } })}\n`;
    await using api = await script({ lists: [list(10)], watches: [ended(event('ADDED', 'a', 11), error), open()] });
    await using observed = new Observed(api);
    await observed.informer.start();
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
    await observed.informer.start();
    await eventually(() => expect(observed.changes).toEqual(['· → a@11', '· → b@12']));
  });

  test('a watch that says nothing for too long is taken for dead, and its version for one that the server never had', async () => {
    await using api = await script({
      lists: [list(1000), list(10)],
      watches: [open(), open(event('ADDED', 'a', 11))],
    });
    const clock = new ManualClock();
    await using observed = new Observed(api, { clock, timing: { ...timing, silenceMs: 60 } });
    await observed.informer.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(1));
    await clock.pass(59);
    expect(observed.restarts).toEqual([]);
    await clock.pass(1);
    await eventually(async () => {
      await clock.pass(0);
      expect(observed.state).toEqual({ 'team/a': '11' });
    });
    expect(observed.restarts).toEqual(['silent']);
    expect(watchesOf(api)[1]?.query.get('resourceVersion')).toBe('10');
  });

  test('a bookmark is a sign of life', async () => {
    const watching = Promise.withResolvers<ServerResponse>();
    const told: Answer = (_, response) => watching.resolve(response.writeHead(200));
    await using api = await script({ lists: [list(10)], watches: [told] });
    const clock = new ManualClock();
    await using observed = new Observed(api, { clock, timing: { ...timing, silenceMs: 250 } });
    await observed.informer.start();
    const response = await watching.promise;
    for (let version = 11; version < 20; version++) {
      response.write(bookmark(version));
      await eventually(() => expect(observed.informer.isPast(object('a', version) as never)).toBe(true));
      await clock.pass(200);
    }
    response.write(event('ADDED', 'a', 20));
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '20' }));
    expect(observed.restarts).toEqual([]);
  });

  test('a server that never answers a watch is asked again', async () => {
    await using api = await script({ lists: [list(10)], watches: [() => undefined, open(event('ADDED', 'a', 11))] });
    const clock = new ManualClock();
    await using observed = new Observed(api, { clock, timing: { ...timing, silenceMs: 60 } });
    await observed.informer.start();
    await eventually(() => expect(watchesOf(api)).toHaveLength(1));
    await clock.pass(60);
    await eventually(async () => {
      await clock.pass(0);
      expect(observed.state).toEqual({ 'team/a': '11' });
    });
  });
});

/** Time stands still, and whoever waits has waited: the waits are written down. */
class PatientClock implements Clock {
  readonly waits: number[] = [];

  now(): number {
    return 0;
  }

  after(ms: number, call: () => void): () => void {
    if (ms === Infinity) return () => undefined;
    this.waits.push(ms);
    const turn = setImmediate(call);
    return () => clearImmediate(turn);
  }
}

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
    const clock = new PatientClock();
    await using observed = new Observed(api, {
      clock,
      timing: { ...timing, silenceMs: Infinity, backoffMs: [20, 900] },
    });
    void observed.informer.start();
    await eventually(() => expect(clock.waits.length).toBeGreaterThanOrEqual(8));
    for (const [at, longest] of [20, 40, 80, 160, 320, 640, 900, 900].entries()) {
      const wait = clock.waits[at] ?? NaN;
      expect(wait).toBeLessThanOrEqual(longest);
      if (at > 0) expect(wait).toBeGreaterThanOrEqual(longest / 2); // a list may be asked for again at once
    }
  });

  test('after a success the next failure is forgiven as the first was', async () => {
    const fails = Array.from({ length: 4 }, () => refused(500, 'InternalError'));
    await using api = await script({
      lists: [list(1)],
      watches: [...fails, ended(bookmark(2)), ...fails, open(event('ADDED', 'a', 3))],
    });
    const clock = new PatientClock();
    await using observed = new Observed(api, {
      clock,
      timing: { ...timing, silenceMs: Infinity, backoffMs: [10, 900] },
    });
    await observed.informer.start();
    await eventually(() => expect(observed.state).toEqual({ 'team/a': '3' }));
    const longest = [10, 20, 40, 80, 10, 20, 40, 80];
    expect(clock.waits.map((wait, at) => wait <= longest[at]!)).toEqual(longest.map(() => true));
  });
});
