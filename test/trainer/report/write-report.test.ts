import { existsSync } from 'node:fs';
import { readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { writeReport } from '../../../trainer/report/write-report.ts';
import { writePipelineState } from '../../support/synthetic-run/write-pipeline-state.ts';
import { useSharedDirectory } from '../../support/shared-directory.ts';

const hostile = '</pre><script>alert(1)</script><img src="https://example.com/x" onerror=alert(2)>';

const root = useSharedDirectory();

async function report(...state: Parameters<typeof writePipelineState>): Promise<string> {
  return readFile(await writeReport(await writePipelineState(...state)), 'utf8');
}

/** Text of the page without tags. */
function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)[\s\S]*?<\/\1>/g, ' ')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

test('shows every stage of a finished run with its held-out figures and digests', async () => {
  const text = textOf(await report(join(root(), 'finished')));
  expect(text).toContain('r1-tiny Succeeded');
  expect(text).toContain('r1-zero grpo Succeeded 76.5 % ± 3.0 98.5 % 83.0 % 76.5 % 71.5 % 200 2 min 01 s');
  expect(text).toMatch(/reward 1\.\d+ → 1\.\d+, still rising in the last third\./);
  expect(text).toMatch(/loss \d\.\d+ → 0\.\d+, (still falling|flat) in the last third\./);
  expect(text).toMatch(/Settings .*steps 200/);
  expect(text).toContain('review not reviewed');
  expect(text).toContain('eval/pass@1 ≥ that of sft − 0.02 Passed');
  expect(text).toContain('languages mixed 363 2,511 62.8 %');
  expect(text).not.toContain('Negative control');
  expect(text).not.toMatch(/undefined|NaN|\[object/);
});

test('shows a run that is not at its end, and what waits', async () => {
  const text = textOf(await report(join(root(), 'running'), { finished: 5 }));
  expect(text).toContain('reasoning-rl grpo Running – – –');
  expect(text).toContain('distilled sft Waiting');
  expect(text).toContain('distilled fresh weights rejection-sampling – – –');
  expect(text).toContain('eval/pass@1 ≥ that of sft − 0.02 not decided');
});

test('is one file without requests, and completions stay text', async () => {
  const page = await report(join(root(), 'hostile'), { completion: hostile });
  expect(page).not.toContain(hostile);
  expect(page).not.toContain('<img');
  expect(page).not.toMatch(/<(link|script|iframe)[^>]*(src|href)=/);
  expect(page).toMatch(/default-src &#39;none&#39;|default-src 'none'/);
  expect(page).toContain('&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
});

test('names the policy of preferences and what it shaped, and preferences by none', async () => {
  const none = textOf(await report(join(root(), 'no-policy')));
  expect(none).toMatch(/Preferences By no declared policy: preference /);
  const preferencePolicy = { name: 'kind/1', text: hostile };
  const change = { preference: { pairs: ['preferences'], preferencePolicy } };
  const page = await report(join(root(), 'policy'), { change });
  expect(textOf(page)).toMatch(/Policy kind\/1 [0-9a-f]+ , declared by preference , shaped r1 \./);
  expect(page).not.toContain(hostile);
});

test('marks negative controls', async () => {
  const change = { 'r1-zero': { learningRate: 0, rewards: [{ random: {} }] } };
  const text = textOf(await report(join(root(), 'control'), { change }));
  expect(text).toContain('Negative control: stage r1-zero has a random reward');
  expect(text).toContain('Negative control: stage r1-zero has learning rate 0');
});

test('shows what a stage warns of, and where', async () => {
  const directory = await writePipelineState(join(root(), 'warned'));
  const path = join(directory, 'volume/r1-zero/result.json');
  const result = JSON.parse(await readFile(path, 'utf8')) as object;
  const warnings = [{ reason: 'NoSignal', message: 'no group has differed in reward since step 3' }];
  await writeFile(path, JSON.stringify({ ...result, warnings }));
  const page = await readFile(await writeReport(directory), 'utf8');
  expect(textOf(page)).toContain('Warning: stage r1-zero : no group has differed in reward since step 3');
  expect(page).toContain('<a href="#stage-r1-zero">');
});

test('shows rows that a stage left out, the first of each kind, and none of a stage that used all', async () => {
  const directory = await writePipelineState(join(root(), 'checked'));
  const parts = {
    train: {
      rows: 8,
      used: 7,
      cut: 0,
      dropped: [{ reason: 'overlong', rows: 1, first: `row sums/24: ${hostile}` }],
      places: [3],
    },
    heldOut: { rows: 2, used: 2, cut: 0, dropped: [], places: [] },
  };
  const path = join(directory, 'volume/r1-zero/checked-rows.json');
  await writeFile(path, JSON.stringify({ settingsDigest: 'a', parts }));
  const page = await readFile(await writeReport(directory), 'utf8');
  expect(textOf(page)).toContain('training: 7 of 8 rows are used');
  expect(textOf(page)).toMatch(/training: longer than the limit 1 row sums\/24: /);
  expect(textOf(page)).not.toContain('held out: 2 of 2');
  expect(page).not.toContain(hostile);
});

test('a gate that only a person opens', async () => {
  const directory = await writePipelineState(join(root(), 'approval'));
  const path = join(directory, 'pipeline.json');
  const pipeline = JSON.parse(await readFile(path, 'utf8')) as { spec: { stages: { gate?: object }[] } };
  for (const stage of pipeline.spec.stages) if (stage.gate) stage.gate = { approval: true };
  await writeFile(path, JSON.stringify(pipeline));
  expect(textOf(await readFile(await writeReport(directory), 'utf8'))).toContain('approval of a person');
});

test('says when a checkpoint on disk is no longer the one that was handed over', async () => {
  const directory = await writePipelineState(join(root(), 'changed'));
  await writeFile(join(directory, 'volume/pretrained/step-000800/checkpoint.json'), '{}');
  const page = await readFile(await writeReport(directory), 'utf8');
  expect(page.match(/does not match what lies on disk/g)?.length).toBeGreaterThan(0);
});

test('leaves nothing half-written and refuses a directory without a pipeline', async () => {
  const directory = await writePipelineState(join(root(), 'clean'));
  await writeReport(directory, join(root(), 'elsewhere.html'));
  expect((await readdir(root())).filter((name) => name.includes('partial'))).toEqual([]);
  await expect(writeReport(join(root(), 'nothing'))).rejects.toThrow(UserError);
});

(existsSync('/dev/full') ? test : test.skip)('a full disk is named, and nothing half-written stays', async () => {
  const directory = await writePipelineState(join(root(), 'full'));
  await symlink('/dev/full', join(directory, `report.html.${process.pid}.partial`));
  await expect(writeReport(directory)).rejects.toThrow(
    /report\.html: no space left on the device: \d+ bytes are needed/,
  );
  expect((await readdir(directory)).filter((name) => name.startsWith('report'))).toEqual([]);
});
