import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { fileContents } from '../../../operator/local/file-contents.ts';
import { digests, pipelineOf, Workbench } from '../../support/pipelines.ts';

const pipeline = pipelineOf(`
base: {init: {}}
datasets:
  - {name: sums, file: sums.jsonl, heldOut: {file: held-out.jsonl}}
  - {name: exam, file: exam.jsonl}
defaults: {evaluation: {data: [sums, exam]}}
stages:
  - {name: pretrained, pretrain: {data: [sums], steps: 3}}
  - {name: zero, model: {from: pretrained}, grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}]}}
`);

const withTemplate = (file: string) =>
  pipelineOf(`
base: {init: {}}
datasets: [{name: sums, file: sums.jsonl}]
defaults: {chat: {templateFile: ${file}}}
stages: [{name: pretrained, pretrain: {data: [sums], steps: 3}}]
`);

function rows(count: number): string {
  return Array.from(
    { length: count },
    (_, at) => `{"prompt": "${at} + 1", "completion": "x", "answer": "${at + 1}"}\n`,
  ).join('');
}

function benchWithData(): Workbench {
  const bench = new Workbench();
  for (const name of ['sums', 'held-out', 'exam']) writeFileSync(join(bench.folder, `${name}.jsonl`), rows(12));
  return bench;
}

test('a finished stage that learned from other rows is not taken for done', async () => {
  const bench = benchWithData();
  const first = await bench.run(pipeline);
  expect(first.outcome).toBe('Succeeded');
  writeFileSync(join(bench.folder, 'sums.jsonl'), rows(14));

  const changed = await bench.run(pipeline);
  expect(changed).toMatchObject({ outcome: 'Failed', reason: 'StageChanged', exitCode: 64 });
  expect(changed.message).toMatch(
    /^stage pretrained has finished with other settings \(data\.sums\.file: "12 lines \(sha256 \w{16}…\)" → "14 lines \(sha256 \w{16}…\)"\); zero changed, too; restore them, run again from pretrained on/,
  );

  writeFileSync(join(bench.folder, 'sums.jsonl'), rows(12));
  expect((await bench.run(pipeline)).outcome).toBe('Succeeded');
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n');

  writeFileSync(join(bench.folder, 'sums.jsonl'), rows(14));
  expect((await bench.run(pipeline, { rerunFrom: ['pretrained'] })).outcome).toBe('Succeeded');
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n');
});

test.each(['held-out', 'exam'])('rows of %s that only measure cost no trained checkpoint', async (name) => {
  const bench = benchWithData();
  const first = await bench.run(pipeline);
  writeFileSync(join(bench.folder, `${name}.jsonl`), rows(20));
  const again = await bench.run(pipeline);
  expect(again.outcome).toBe('Succeeded');
  expect(digests(again)).toEqual(digests(first));
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n2\n'); // measured anew
});

test('a file that is touched or moved with its manifest is the same file', async () => {
  const bench = benchWithData();
  await bench.run(pipeline);
  utimesSync(join(bench.folder, 'sums.jsonl'), 1, 1);
  expect((await bench.run(pipeline)).outcome).toBe('Succeeded');
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n');
});

test.each([
  { text: '', lines: 0 },
  { text: 'a', lines: 1 },
  { text: 'a\n', lines: 1 },
  { text: 'a\nb', lines: 2 },
])('counts the lines of $text', async ({ text, lines }) => {
  const bench = benchWithData();
  writeFileSync(join(bench.folder, 'sums.jsonl'), text);
  const { datasets } = await fileContents(pipeline, join(bench.folder, 'test.yaml'), join(bench.folder, 'cache.json'));
  expect(datasets[0]?.file.lines).toBe(lines);
});

test('a Parquet file has no lines to be counted', async () => {
  const bench = benchWithData();
  writeFileSync(join(bench.folder, 'sums.jsonl'), 'PAR1\n\n');
  const { datasets } = await fileContents(pipeline, join(bench.folder, 'test.yaml'), join(bench.folder, 'cache.json'));
  expect(datasets[0]?.file).toEqual({ sha256: expect.stringMatching(/^\w{64}$/) });
});

test('a chat template in a file that holds another text is a changed setting, and the same text elsewhere is none', async () => {
  const bench = benchWithData();
  writeFileSync(join(bench.folder, 'one.jinja'), '{{ messages[0].content }}=');
  writeFileSync(join(bench.folder, 'same.jinja'), '{{ messages[0].content }}=');
  expect((await bench.run(withTemplate('one.jinja'))).outcome).toBe('Succeeded');
  expect((await bench.run(withTemplate('same.jinja'))).outcome).toBe('Succeeded');
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n');
  expect(JSON.parse(bench.read('files/pretrained.attempt-1.json')).chat).toEqual({
    templateFile: join(bench.folder, 'one.jinja'),
  });

  writeFileSync(join(bench.folder, 'one.jinja'), '{{ messages[0].content }}:');
  const changed = await bench.run(withTemplate('one.jinja'));
  expect(changed.message).toMatch(
    /^stage pretrained has finished with other settings \(chat\.templateFile: "1 line \(sha256 \w{16}…\)" → "1 line \(/,
  );
});

test('a reward of one’s own that holds another text is a changed setting of the stages that name it', async () => {
  const bench = benchWithData();
  const rewarded = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, file: sums.jsonl}]
stages:
  - {name: pretrained, pretrain: {data: [sums], steps: 3}}
  - {name: zero, model: {from: pretrained}, grpo: {prompts: [sums], steps: 3, rewards: [{module: {file: near.js}}, {python: {file: near.py}}]}}
`);
  writeFileSync(join(bench.folder, 'near.js'), 'export const grade = () => 1;\n');
  const inPython = 'def grade(completions, **columns):\n    return [1 for _ in completions]\n';
  writeFileSync(join(bench.folder, 'near.py'), inPython);
  expect((await bench.run(rewarded)).outcome).toBe('Succeeded');
  expect(JSON.parse(bench.read('files/zero.attempt-1.json')).settings.grpo.rewards[0].module.file).toBe(
    join(bench.folder, 'near.js'),
  );
  expect(JSON.parse(bench.read('files/zero.attempt-1.json')).settings.grpo.rewards[1].python.file).toBe(
    join(bench.folder, 'near.py'),
  );

  writeFileSync(join(bench.folder, 'near.py'), `${inPython}\n`);
  expect((await bench.run(rewarded)).message).toMatch(
    /^stage zero has finished with other settings \(rewards\.near\.py: "2 lines \(sha256 \w{16}…\)" → "3 lines \(sha256 \w{16}…\)"\)/,
  );
  writeFileSync(join(bench.folder, 'near.py'), inPython);

  writeFileSync(join(bench.folder, 'near.js'), '\nexport const grade = () => 2;\n');
  expect((await bench.run(rewarded)).message).toMatch(
    /^stage zero has finished with other settings \(rewards\.near\.js: "1 line \(sha256 \w{16}…\)" → "2 lines \(sha256 \w{16}…\)"\); restore them, run again from zero on/,
  );
});

test('so is a verifier of one’s own, of the stages that name its dataset', async () => {
  const bench = benchWithData();
  const verified = pipelineOf(`
base: {init: {}}
datasets: [{name: sums, file: sums.jsonl}, {name: texts, file: sums.jsonl, answer: {verifier: {module: {file: short.js}}}}]
stages:
  - {name: pretrained, pretrain: {data: [sums], steps: 3}}
  - {name: zero, model: {from: pretrained}, grpo: {prompts: [texts], steps: 3, rewards: [{accuracy: {}}]}}
`);
  writeFileSync(join(bench.folder, 'short.js'), 'export const grade = () => 1;\n');
  expect((await bench.run(verified)).outcome).toBe('Succeeded');
  const { datasets } = JSON.parse(bench.read('files/zero.attempt-1.json')) as { datasets: object[] };
  expect(datasets).toEqual([
    expect.objectContaining({
      answer: expect.objectContaining({
        verifier: { module: expect.objectContaining({ file: join(bench.folder, 'short.js') }) },
      }),
    }),
  ]);
  writeFileSync(join(bench.folder, 'short.js'), '\nexport const grade = () => 2;\n');
  expect((await bench.run(verified)).message).toMatch(
    /^stage zero has finished with other settings \(rewards\.short\.js: "1 line \(sha256 \w{16}…\)" → "2 lines/,
  );
});
