import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import type { RowManifest } from '../../../../trainer/contract/settings/row-origin.ts';
import { withOrigin } from '../../../../trainer/data/origins/row-origin.ts';
import { faultsOfKeptRows } from '../../../../trainer/data/grading/verify-rows.ts';
import { useSharedDirectory } from '../../../support/shared-directory.ts';

const root = useSharedDirectory();
const [data, model] = ['a', 'b'].map((digit) => digit.repeat(64)) as [string, string];
const file = { path: 'rows.jsonl', rows: 3, bytes: 0, sha256: data };
const manifest: RowManifest = {
  version: 1,
  stage: 'samples',
  seed: 7,
  model,
  datasets: { sums: { sha256: data } },
  filters: [],
  files: [file],
};
const kept = [1, 2, 3].map((number): Row => {
  const row: Row = {
    id: `sums/${number}/0`,
    dataset: 'sums',
    domain: 'general',
    messages: [],
    completion: `${number}`,
  };
  const from = { data, model, stage: 'samples', seed: 7, prompt: `sums/${number}`, method: 'plain', samples: [0] };
  return withOrigin(row, { ...from, filters: [] });
});

async function faultsOf(name: string, rows: readonly unknown[], of: unknown = manifest): Promise<string[]> {
  const directory = join(root(), name);
  await mkdir(directory);
  await writeFile(join(directory, 'manifest.json'), typeof of === 'string' ? of : JSON.stringify(of));
  await writeFile(join(directory, 'rows.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return (await faultsOfKeptRows(directory)).map((fault) => fault.replace(`${directory}/`, ''));
}

test('rows as they were kept have no fault, and a directory without a manifest of rows has none', async () => {
  expect(await faultsOf('whole', kept)).toEqual([]);
  expect(await faultsOfKeptRows(root())).toEqual([]);
});

test('each row that is not what was kept is told, up to ten', async () => {
  const forged = { ...kept[1], completion: '7' };
  expect(await faultsOf('forged', [kept[0], forged, kept[2]])).toEqual([
    expect.stringMatching(/^rows\.jsonl: row 2: origin\.digest: found [0-9a-f]{64} of the row, expected/),
  ]);
  const many = await faultsOf(
    'many',
    Array.from({ length: 14 }, () => forged),
  );
  expect(many).toHaveLength(12);
  expect(many.slice(10)).toEqual([
    'rows.jsonl: 4 more of its rows have a fault',
    'rows.jsonl: found 14 rows, expected 3',
  ]);
});

test.each([
  { name: 'missing', rows: kept.slice(1), says: 'rows.jsonl: found 2 rows, expected 3' },
  { name: 'no-row', rows: [...kept, { id: 1 }], says: /^rows\.jsonl:4: / },
  { name: 'no-json', rows: kept, of: '{', says: /^manifest\.json: is not JSON: / },
  { name: 'no-manifest', rows: kept, of: { ...manifest, seed: -1 }, says: /^manifest\.json: seed: / },
  {
    name: 'outside',
    rows: kept,
    of: { ...manifest, files: [{ ...file, path: '../whole/rows.jsonl' }] },
    says: 'manifest.json: found rows in ../whole/rows.jsonl, expected rows.jsonl or held-out.jsonl',
  },
])('$name: one line says what is wrong', async ({ name, rows, of, says }) => {
  expect(await faultsOf(name, rows, of)).toEqual([typeof says === 'string' ? says : expect.stringMatching(says)]);
});
