import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { RolloutLog } from '../../../../trainer/stages/workspace/rollout-log.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';
import { lines } from '../../../support/trainer.ts';

const directory = useTemporaryDirectory();
const log = () => new RolloutLog(join(directory(), 'rollouts'));
const many = { rollouts: 100, bytes: 1e6 };

async function write(all: readonly number[], kept = many): Promise<void> {
  for (const step of all) await log().write(step, [{ step, completion: 'a\nb' }, { step }], kept);
}

async function steps(): Promise<number[]> {
  return (await readdir(join(directory(), 'rollouts'))).toSorted().map((name) => Number(/\d+/.exec(name)?.[0]));
}

test('writes a file a rollout, a line a completion', async () => {
  await write([21]);
  expect(await readdir(join(directory(), 'rollouts'))).toEqual(['step-000021.jsonl']);
  expect(await lines(join(directory(), 'rollouts/step-000021.jsonl'))).toEqual([
    String.raw`{"step":21,"completion":"a\nb"}`,
    '{"step":21}',
  ]);
});

// A file of these is 42 bytes long.
test.each([
  { name: 'so many', kept: { rollouts: 3, bytes: 1e6 }, left: [4, 5, 6] },
  { name: 'so many bytes', kept: { rollouts: 100, bytes: 2 * 42 + 41 }, left: [5, 6] },
  { name: 'the newest however long it is', kept: { rollouts: 100, bytes: 1 }, left: [6] },
])('keeps $name', async ({ kept, left }) => {
  await write([1, 2, 3, 4, 5, 6], kept);
  expect(await steps()).toEqual(left);
});

test.each([4, 3, 0, -1])('ends with the same files after it was set back to step %i', async (step) => {
  const kept = { rollouts: 3, bytes: 1e6 };
  await write([1, 2, 3, 4, 5, 6], kept);
  await log().rewind(step);
  expect(await steps()).toEqual(step === 4 ? [4] : []);
  await write(
    [1, 2, 3, 4, 5, 6, 7].filter((each) => each > step),
    kept,
  );
  expect(await steps()).toEqual([5, 6, 7]);
});

test('sorts steps as numbers, and leaves other files alone', async () => {
  await mkdir(join(directory(), 'rollouts/notes'), { recursive: true });
  await write([999_999, 1_000_001], { ...many, rollouts: 1 });
  expect((await readdir(join(directory(), 'rollouts'))).toSorted()).toEqual(['notes', 'step-1000001.jsonl']);
});

test('fails where the directory of the attempt is gone, and forgets nothing where there was nothing', async () => {
  const gone = new RolloutLog(join(directory(), 'attempt-1/rollouts'));
  await gone.rewind(3);
  await expect(gone.write(1, [], many)).rejects.toThrow('ENOENT');
});
