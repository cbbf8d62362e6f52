import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { carryFiles, gatherLocalFiles } from '../../../cli/cluster/local-files.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const manifest = (): string => join(directory(), 'pipeline.yaml');

function reading(file: string, more = ''): ReturnType<typeof pipelineOf> {
  return pipelineOf(`
base: {init: {}}
datasets: [{name: chat, file: ${file}}]
stages: [{name: tuned, sft: {data: [chat]}}]
${more}`);
}

async function problemsOf(pipeline: ReturnType<typeof pipelineOf>): Promise<string[]> {
  const { problems } = await gatherLocalFiles(pipeline, manifest());
  return problems.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('files on no volume come along, by their paths in the manifest', async () => {
  await mkdir(join(directory(), 'data'));
  await writeFile(join(directory(), 'data/chat.jsonl'), '\uFEFF{"prompt": "größer"}\n');
  const { files, problems } = await gatherLocalFiles(reading('./data/chat.jsonl'), manifest());
  expect(problems).toEqual([]);
  expect([...files]).toEqual([['data/chat.jsonl', Buffer.from('\uFEFF{"prompt": "größer"}\n')]]);
});

test('so do chat templates', async () => {
  await writeFile(join(directory(), 'one.jinja'), '{{ 1 }}');
  const pipeline = reading('/data/chat.jsonl', 'defaults: {chat: {templateFile: one.jinja}}');
  expect([...(await gatherLocalFiles(pipeline, manifest())).files]).toEqual([['one.jinja', Buffer.from('{{ 1 }}')]]);
  expect(await problemsOf(reading('/data/chat.jsonl', 'defaults: {chat: {templateFile: two.jinja}}'))).toEqual([
    expect.stringMatching(/^spec\.defaults\.chat\.templateFile: found nothing at .*expected a chat template at one of/),
  ]);
});

test.each(['volumes: [{path: data, claim: datasets}]', 'volumes: [{path: data/chat.jsonl, configMap: chat}]'])(
  'what %s holds need not be here',
  async (volumes) => {
    expect(await problemsOf(reading('data/chat.jsonl', volumes))).toEqual([]);
    expect((await gatherLocalFiles(reading('data/chat.jsonl', volumes), manifest())).files.size).toBe(0);
  },
);

test('an absolute path is one of the image', async () => {
  expect(await problemsOf(reading('/data/chat.jsonl'))).toEqual([]);
});

test.each([
  { name: 'missing', file: 'chat.jsonl', more: '', says: 'datasets.0.file: found nothing at ' },
  {
    name: 'on another volume',
    file: 'data2/chat.jsonl',
    more: 'volumes: [{path: data, claim: d}]',
    says: 'nothing at',
  },
  { name: 'no text', file: 'binary.jsonl', more: '', says: 'found bytes that are no UTF-8 text' },
  {
    name: 'above the manifest',
    file: '../chat.jsonl',
    more: '',
    says: 'found "../chat.jsonl", expected a path below the manifest',
  },
  { name: 'larger than a ConfigMap', file: 'big.jsonl', more: '', says: 'found 901 KiB at' },
  { name: 'a directory', file: 'folder', more: '', says: 'EISDIR' },
])('a file that is $name is refused', async ({ file, more, says }) => {
  await mkdir(join(directory(), 'folder'));
  await writeFile(join(directory(), 'binary.jsonl'), Uint8Array.of(0xff, 0xfe));
  await writeFile(join(directory(), 'big.jsonl'), 'x'.repeat((900 << 10) + 1));
  const [problem] = await problemsOf(reading(file, more));
  expect(problem).toMatch(says);
});

test('files that fit alone may be too much together', async () => {
  for (const name of ['a', 'b']) await writeFile(join(directory(), `${name}.jsonl`), 'x'.repeat(600 << 10));
  const pipeline = reading('a.jsonl, heldOut: {file: b.jsonl}');
  expect(await problemsOf(pipeline)).toEqual([
    'spec.volumes: found files of 1200 KiB on none of them (a.jsonl, b.jsonl), expected a claim that holds them, as at most 900 KiB come along with a manifest',
  ]);
});

test('a model on no volume is refused: it would not fit', async () => {
  const pipeline = pipelineOf(`
base: {path: models/small}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: tuned, sft: {data: [sums]}}]`);
  expect(await problemsOf(pipeline)).toEqual([
    'spec.base.path: found models/small on no volume of spec.volumes, expected a claim there that holds the model',
  ]);
});

test('a ConfigMap is named after what it holds, and every file gets a volume', () => {
  const files = new Map([
    ['data/a.jsonl', Buffer.from('\uFEFFa')],
    ['other/a.jsonl', Buffer.from('b')],
  ]);
  const { configMap, volumes } = carryFiles('tiny', 'team', files);
  const { name } = configMap.metadata;
  expect(name).toMatch(/^tiny-files-[0-9a-f]{10}$/);
  expect(configMap).toMatchObject({ immutable: true, data: { '0-a.jsonl': '\uFEFFa', '1-a.jsonl': 'b' } });
  expect(configMap).not.toHaveProperty('binaryData');
  expect(volumes).toEqual([
    { path: 'data/a.jsonl', configMap: name, subPath: '0-a.jsonl' },
    { path: 'other/a.jsonl', configMap: name, subPath: '1-a.jsonl' },
  ]);
  expect(
    carryFiles('tiny', 'team', new Map([...files, ['data/a.jsonl', Buffer.from('c')]])).configMap.metadata.name,
  ).not.toBe(name);
});

test('a Parquet file comes along as bytes', async () => {
  const bytes = Buffer.from('PAR1\xff\xfe\x00PAR1', 'latin1');
  await writeFile(join(directory(), 'chat.parquet'), bytes);
  const { files, problems } = await gatherLocalFiles(reading('chat.parquet'), manifest());
  expect(problems).toEqual([]);
  const { configMap } = carryFiles('tiny', 'team', files);
  expect(configMap).toMatchObject({ data: {}, binaryData: { '0-chat.parquet': bytes.toString('base64') } });
});

function rewarding(kind: string, file: string): ReturnType<typeof pipelineOf> {
  return pipelineOf(`
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages: [{name: zero, grpo: {prompts: [sums], steps: 1, rewards: [{format: {}}, {${kind}: {file: ${file}}}]}}]`);
}

test.each([
  { kind: 'module', ending: 'ts', expected: 'a TypeScript or JavaScript file' },
  { kind: 'python', ending: 'py', expected: 'a Python file' },
])('so do rewards of one’s own: $kind', async ({ kind, ending, expected }) => {
  const near = `near.${ending}`;
  await writeFile(join(directory(), near), 'grade');
  const { files } = await gatherLocalFiles(rewarding(kind, near), manifest());
  expect([...files]).toEqual([[near, Buffer.from('grade')]]);
  expect(await problemsOf(rewarding(kind, `far.${ending}`))).toEqual([
    expect.stringMatching(
      `^spec\\.stages\\.0\\.grpo\\.rewards\\.1\\.${kind}\\.file: found nothing at .*expected ${expected} at one of`,
    ),
  ]);
});

test('so do verifiers of one’s own', async () => {
  await writeFile(join(directory(), 'short.py'), 'grade');
  const pipeline = pipelineOf(`
base: {init: {}}
datasets: [{name: texts, file: /data/texts.jsonl, answer: {verifier: {python: {file: short.py}}}}]
stages: [{name: zero, grpo: {prompts: [texts], steps: 1, rewards: [{accuracy: {}}]}}]`);
  expect([...(await gatherLocalFiles(pipeline, manifest())).files]).toEqual([['short.py', Buffer.from('grade')]]);
});
