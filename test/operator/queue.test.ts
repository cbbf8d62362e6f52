import { describe, expect, test } from '@jest/globals';
import { WorkQueue } from '../../operator/queue.ts';
import { ManualClock, settled } from '../support/manual-clock.ts';

interface Pass {
  readonly key: string;
  readonly at: number;
}

/** A queue whose passes end when the test says so, or at once by the outcome of `outcome`. */
class Bench {
  readonly clock = new ManualClock();
  readonly passes: Pass[] = [];
  readonly waits: number[] = [];
  readonly retries: number[] = [];
  readonly queue: WorkQueue;
  outcome: (key: string) => Promise<number | undefined> | number | undefined = () => undefined;
  mostAtOnce = 0;
  private atOnce = 0;

  constructor({ concurrency = 1 }: { concurrency?: number } = {}) {
    this.queue = new WorkQueue({
      concurrency,
      clock: this.clock,
      onStart: (_, waitedMs) => this.waits.push(waitedMs),
      onError: (_key, _error, retryMs) => this.retries.push(retryMs),
      process: async (key) => {
        this.passes.push({ key, at: this.clock.now() });
        this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
        try {
          return await this.outcome(key);
        } finally {
          this.atOnce--;
        }
      },
    });
  }

  get keys(): string[] {
    return this.passes.map(({ key }) => key);
  }

  get times(): number[] {
    return this.passes.map(({ at }) => at);
  }
}

/** A promise and what ends it. */
function gate(): { readonly opened: Promise<undefined>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { opened: promise, open: () => resolve(undefined) };
}

const failing = () => Promise.reject(new Error('no'));

test('passes that wait for nothing let timers and answers come in between', async () => {
  const bench = new Bench({ concurrency: 2 });
  bench.queue.start();
  for (let key = 0; key < 100; key++) bench.queue.add(`a/${key}`);
  await settled();
  expect(bench.passes.length).toBeLessThan(40);
  while (bench.passes.length < 100) await settled();
});

describe('adding', () => {
  test.each([
    {
      name: 'a key waits once however often it is added',
      add: ['a/x', 'a/x', 'a/x'],
      passes: ['a/x'],
    },
    {
      name: 'keys of one namespace keep their order',
      add: ['a/3', 'a/1', 'a/2'],
      passes: ['a/3', 'a/1', 'a/2'],
    },
    {
      name: 'namespaces take turns',
      add: ['a/1', 'a/2', 'a/3', 'a/4', 'b/1', 'b/2', 'c/1'],
      passes: ['a/1', 'b/1', 'c/1', 'a/2', 'b/2', 'a/3', 'a/4'],
    },
    {
      name: 'a key that has no namespace is as good as any',
      add: ['x', 'y', 'a/1', 'a/2'],
      passes: ['x', 'a/1', 'y', 'a/2'],
    },
  ])('$name', async ({ add, passes }) => {
    const bench = new Bench();
    for (const key of add) bench.queue.add(key);
    bench.queue.start();
    await settled();
    expect(bench.keys).toEqual(passes);
  });

  test('a namespace that comes late has its turn before ten thousand keys of another', async () => {
    const bench = new Bench();
    const first = gate();
    bench.outcome = () => first.opened;
    for (let i = 0; i < 10_000; i++) bench.queue.add(`big/${i}`);
    bench.queue.start();
    bench.queue.add('small/1');
    bench.outcome = () => undefined;
    first.open();
    while (bench.keys.length < 10_001) await settled();
    expect(bench.keys.indexOf('small/1')).toBeLessThanOrEqual(2);
  });

  test('a key has one pass at a time, and another when it was added during the first', async () => {
    const bench = new Bench({ concurrency: 4 });
    const first = gate();
    bench.outcome = () => first.opened;
    bench.queue.start();
    bench.queue.add('a/x');
    bench.queue.add('a/x');
    bench.queue.add('a/x');
    expect(bench.keys).toEqual(['a/x']);
    expect(bench.queue.depth).toBe(1);
    bench.outcome = () => undefined;
    first.open();
    await settled();
    expect(bench.keys).toEqual(['a/x', 'a/x']);
    expect(bench.mostAtOnce).toBe(1);
    expect(bench.queue.depth).toBe(0);
  });

  test('no more passes at once than allowed', async () => {
    const bench = new Bench({ concurrency: 3 });
    const all = gate();
    bench.outcome = () => all.opened;
    bench.queue.start();
    for (let i = 0; i < 10; i++) bench.queue.add(`a/${i}`);
    expect(bench.passes).toHaveLength(3);
    expect(bench.queue.depth).toBe(7);
    all.open();
    await settled();
    expect(bench.passes).toHaveLength(10);
    expect(bench.mostAtOnce).toBe(3);
  });

  test('says how long a key waited for its pass', async () => {
    const bench = new Bench();
    const first = gate();
    bench.outcome = () => first.opened;
    bench.queue.start();
    bench.queue.add('a/1');
    bench.queue.add('a/2');
    await bench.clock.pass(70);
    first.open();
    await settled();
    expect(bench.waits).toEqual([0, 70]);
  });
});

describe('planned passes', () => {
  test.each([
    { name: 'one wish', wishes: [500], at: [500] },
    { name: 'the earlier of two wishes holds', wishes: [500, 300], at: [300] },
    { name: 'a later wish changes nothing', wishes: [300, 500], at: [300] },
    { name: 'no time is now', wishes: [0], at: [0] },
    { name: 'time that has passed is now', wishes: [-5], at: [0] },
    { name: 'further away than a timer can count', wishes: [2 ** 32], at: [2 ** 32] },
  ])('$name', async ({ wishes, at }) => {
    const bench = new Bench();
    bench.queue.start();
    for (const ms of wishes) bench.queue.addAfter('a/x', ms);
    await bench.clock.pass(2 ** 33);
    expect(bench.times).toEqual(at);
  });

  test('a pass plans the next by what it returns', async () => {
    const bench = new Bench();
    bench.outcome = () => (bench.passes.length < 3 ? 1000 : undefined);
    bench.queue.start();
    bench.queue.add('a/x');
    await bench.clock.pass(10_000);
    expect(bench.times).toEqual([0, 1000, 2000]);
  });

  test('a pass in between sees what the planned one would, and calls it off', async () => {
    const bench = new Bench();
    bench.queue.start();
    bench.queue.addAfter('a/x', 1000);
    await bench.clock.pass(400);
    bench.queue.add('a/x');
    await bench.clock.pass(5000);
    expect(bench.times).toEqual([400]);
  });

  test('one that is planned during a pass comes', async () => {
    const bench = new Bench();
    bench.outcome = () => {
      if (bench.passes.length === 1) bench.queue.addAfter('a/x', 1000);
      return undefined;
    };
    bench.queue.start();
    bench.queue.add('a/x');
    await bench.clock.pass(5000);
    expect(bench.times).toEqual([0, 1000]);
  });
});

describe('failures', () => {
  test('waits longer after each, up to a minute', async () => {
    const bench = new Bench();
    bench.outcome = failing;
    bench.queue.start();
    bench.queue.add('a/x');
    await bench.clock.pass(300_000);
    expect(bench.retries.slice(0, 12)).toEqual([
      50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000,
    ]);
    expect(bench.times.slice(0, 4)).toEqual([0, 50, 150, 350]);
  });

  test('a success is a new beginning', async () => {
    const bench = new Bench();
    bench.outcome = () => (bench.passes.length === 3 ? undefined : failing());
    bench.queue.start();
    bench.queue.add('a/x');
    await bench.clock.pass(1000);
    bench.queue.add('a/x');
    await settled();
    expect(bench.retries).toEqual([50, 100, 50]);
  });

  test('one key does not wait for the failures of another, and news are looked at without waiting', async () => {
    const bench = new Bench();
    bench.outcome = (key) => (key === 'a/bad' ? failing() : undefined);
    bench.queue.start();
    bench.queue.add('a/bad');
    bench.queue.add('a/good');
    await settled();
    bench.queue.add('a/bad');
    await settled();
    expect(bench.passes).toEqual([
      { key: 'a/bad', at: 0 },
      { key: 'a/good', at: 0 },
      { key: 'a/bad', at: 0 },
    ]);
  });
});

describe('stopping', () => {
  test('waits for the passes under way and begins no other', async () => {
    const bench = new Bench();
    const first = gate();
    bench.outcome = () => first.opened.then(() => 10);
    bench.queue.start();
    bench.queue.add('a/1');
    bench.queue.add('a/2');
    bench.queue.addAfter('a/3', 10);
    let stopped = false;
    const stopping = bench.queue.stop().then(() => {
      stopped = true;
    });
    bench.queue.add('a/4');
    await bench.clock.pass(100);
    expect(stopped).toBe(false);
    first.open();
    await stopping;
    await bench.clock.pass(100);
    expect(bench.keys).toEqual(['a/1']);
  });

  test('of an idle queue is immediate', async () => {
    const { queue } = new Bench();
    queue.start();
    await queue.stop();
    expect(queue.depth).toBe(0);
  });
});
