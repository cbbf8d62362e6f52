import { appendFile, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { type CachedVerdict, VerdictCache } from '../../../../trainer/rewards/judge/verdict-cache.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const path = (): string => join(directory(), 'verdicts.jsonl');
const openCache = (): Promise<VerdictCache> => VerdictCache.open(path(), async () => undefined);

/** The first two differ in their last digit alone. */
const keys = ['0'.repeat(64), `${'0'.repeat(63)}1`, `${'f'.repeat(63)}e`, 'f'.repeat(64), 'ab'.repeat(32)];

function verdict(changed: Partial<CachedVerdict> = {}): CachedVerdict {
  return { key: keys[0] as string, judge: 'a', text: 'fine', tokens: 3, ...changed };
}

const anyVerdict: fc.Arbitrary<CachedVerdict> = fc
  .record({
    key: fc.constantFrom(...keys),
    judge: fc.constantFrom('a', 'b'),
    text: fc.string({ unit: 'binary', maxLength: 3000 }),
    refused: fc.option(fc.string(), { nil: undefined }),
    tokens: fc.nat(1000),
  })
  .map(({ refused, ...rest }) => ({ ...rest, ...(refused !== undefined && { refused }) }));

type Step =
  | { readonly kind: 'add'; readonly verdicts: readonly CachedVerdict[] }
  | { readonly kind: 'reopen' }
  /** A kill: of what is added last only so many bytes get to the disk. */
  | { readonly kind: 'tear'; readonly lost: CachedVerdict; readonly bytes: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), verdicts: fc.array(anyVerdict, { maxLength: 4 }) }),
  fc.constant({ kind: 'reopen' as const }),
  fc.record({ kind: fc.constant('tear' as const), lost: anyVerdict, bytes: fc.nat(3000) }),
);

test('it has the first verdict of each question, and all that was spent, whatever it went through', async () => {
  const whatever = fc.asyncProperty(fc.array(anyStep, { maxLength: 12 }), async (steps) => {
    await writeFile(path(), '');
    const [known, spent] = [new Map<string, CachedVerdict>(), new Map<string, number>()];
    let cache = await openCache();
    try {
      for (const step of steps) {
        if (step.kind === 'add') await Promise.all(step.verdicts.map((each) => cache.add(each)));
        else await cache.close();
        const kept = step.kind === 'add' ? step.verdicts : [];
        for (const each of kept) {
          if (!known.has(each.key)) known.set(each.key, each);
          spent.set(each.judge, (spent.get(each.judge) ?? 0) + each.tokens);
        }
        if (step.kind === 'tear') {
          const line = Buffer.from(JSON.stringify(step.lost));
          await appendFile(path(), line.subarray(0, Math.min(step.bytes, line.length - 1)));
        }
        if (step.kind !== 'add') cache = await openCache();
        for (const key of keys) expect(await cache.get(key)).toEqual(known.get(key));
        for (const judge of ['a', 'b']) expect(cache.spent(judge)).toBe(spent.get(judge) ?? 0);
      }
    } finally {
      await cache.close();
    }
  });
  await fc.assert(whatever, { numRuns: 60 });
});

test('lines that are no verdicts are asked again, and spoil no other', async () => {
  const lines = ['', '{}', 'no JSON', JSON.stringify({ ...verdict(), key: 'short' }), JSON.stringify(verdict())];
  await writeFile(path(), `${lines.join('\n')}\n`);
  const cache = await openCache();
  expect(await cache.get(keys[0] as string)).toEqual(verdict());
  await cache.close();
});

test('a last line that lacks its end alone is a verdict still', async () => {
  await writeFile(path(), JSON.stringify(verdict()));
  const cache = await openCache();
  await cache.add(verdict({ key: keys[2] as string, text: 'good' }));
  expect(await cache.get(keys[0] as string)).toEqual(verdict());
  expect((await cache.get(keys[2] as string))?.text).toBe('good');
  await cache.close();
  expect((await readFile(path(), 'utf8')).split('\n')).toHaveLength(3);
});

test('a verdict that is gone from the file is asked again', async () => {
  await writeFile(path(), `${JSON.stringify(verdict())}\n`);
  const cache = await openCache();
  await truncate(path(), 20);
  expect(await cache.get(keys[0] as string)).toBeUndefined();
  await cache.close();
});

test('nothing is written where another process has the directory', async () => {
  const cache = await VerdictCache.open(path(), async () => {
    throw new Error('another has it');
  });
  await expect(cache.add(verdict())).rejects.toThrow('another has it');
  await cache.close();
  await expect(readFile(path())).rejects.toThrow('ENOENT');
});
