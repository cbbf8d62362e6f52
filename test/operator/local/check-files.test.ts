import { expect, test } from '@jest/globals';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileProblems, missingFiles, missingModels, carriedProblems } from '../../../operator/local/check-files.ts';
import { formatPath } from '../../../operator/api/check/value-problem.ts';
import { findInHubCache } from '../../../operator/local/hub-cache.ts';
import { fourStages, pipelineOf, Workbench } from '../../support/pipelines.ts';
import { testWithPython } from '../../support/with-python.ts';

const { folder } = new Workbench();
mkdirSync(join(folder, 'model'));
mkdirSync(join(folder, 'empty'));
writeFileSync(join(folder, 'model/config.json'), '{}');
writeFileSync(join(folder, 'rows.jsonl'), '');
symlinkSync('loop', join(folder, 'loop'));

async function problems(base: string, dataset: string): Promise<string[]> {
  const text = fourStages.replace('base: {init: {}}', `base: ${base}`).replace('generator: {task: addition}', dataset);
  const pipeline = pipelineOf(text);
  const found = [...(await missingFiles(pipeline, join(folder, 'pipeline.yaml'))), ...missingModels(pipeline)];
  return found.map(({ path, message }) => `${formatPath(path)}: ${message.replaceAll(folder, '.')}`);
}

test.each([
  { name: 'files that are there', base: '{path: model}', dataset: 'file: rows.jsonl', expected: [] },
  {
    name: 'directory instead of a file',
    base: '{init: {}}',
    dataset: 'file: model',
    expected: [
      'spec.datasets[0].file: found a directory at ./model, expected a JSONL or Parquet file; name one of its files',
    ],
  },
  ...[
    ['https://host.example/rows.jsonl', 'nothing is downloaded: fetch it first, and name the path that it then has'],
    ['hf://datasets/openai/gsm8k', 'nothing is downloaded: fetch it first, and name the path that it then has'],
    ['file:///data/rows.jsonl', 'a path has no file:// before it'],
    ['openai/gsm8k', 'nothing is downloaded: hf download openai/gsm8k --repo-type dataset, and name one of its files'],
    ['~/rows.jsonl', '~ in a path is no home directory'],
    ['$DATA/rows.jsonl', 'variables in a path are not filled in'],
    ['rows-*.jsonl', 'one file is one dataset: name several datasets, or join the files'],
  ].map(([named = '', hint]) => ({
    name: `data as other tools take it: ${named}`,
    base: '{init: {}}',
    dataset: `file: '${named}'`,
    expected: [
      `spec.datasets[0].file: found nothing at ./${named.replace(/\/+/g, '/')}, expected a JSONL or Parquet file; ${hint}`,
    ],
  })),
  {
    name: 'held-out rows that are missing',
    base: '{init: {}}',
    dataset: 'file: rows.jsonl, heldOut: {file: no.jsonl}',
    expected: ['spec.datasets[0].heldOut.file: found nothing at ./no.jsonl, expected a JSONL or Parquet file'],
  },
  {
    name: 'file instead of a model',
    base: '{path: rows.jsonl}',
    dataset: 'file: rows.jsonl',
    expected: ['spec.base.path: found a file at ./rows.jsonl, expected a Hugging Face directory'],
  },
  {
    name: 'model of the Hub as a path',
    base: '{path: HuggingFaceTB/SmolLM2-135M}',
    dataset: 'file: rows.jsonl',
    expected: [
      'spec.base.path: found nothing at ./HuggingFaceTB/SmolLM2-135M, expected a Hugging Face directory; a model of the Hub is named by hf: {repo: HuggingFaceTB/SmolLM2-135M}',
    ],
  },
  {
    name: 'directory that is missing beside others',
    base: '{path: model/nosuch}',
    dataset: 'file: rows.jsonl',
    expected: ['spec.base.path: found nothing at ./model/nosuch, expected a Hugging Face directory'],
  },
  {
    name: 'model of the Hub below what is a file here',
    base: '{path: rows.jsonl/name}',
    dataset: 'file: rows.jsonl',
    expected: [
      'spec.base.path: found nothing at ./rows.jsonl/name, expected a Hugging Face directory; a model of the Hub is named by hf: {repo: rows.jsonl/name}',
    ],
  },
  {
    name: 'directory that cannot be reached, which need not be missing',
    base: '{path: loop/name}',
    dataset: 'file: rows.jsonl',
    expected: ['spec.base.path: found something unreadable (ELOOP) at ./loop/name, expected a Hugging Face directory'],
  },
  {
    name: 'path of three parts, which no model of the Hub has',
    base: '{path: my/own/model}',
    dataset: 'file: rows.jsonl',
    expected: ['spec.base.path: found nothing at ./my/own/model, expected a Hugging Face directory'],
  },
  {
    name: 'claim, which only a cluster has',
    base: '{pvc: {claim: models}}',
    dataset: 'file: rows.jsonl',
    expected: ['spec.base.pvc: found claim models, expected a path, as claims exist on clusters only'],
  },
])('$name', async ({ base, dataset, expected }) => {
  expect(await problems(base, dataset)).toEqual(expected);
});

test('finds models of the Hub that are in the cache of this machine', async () => {
  process.env.HF_HUB_CACHE = join(folder, 'hub');
  try {
    const model = join(folder, 'hub/models--owner--name');
    expect(await problems('{hf: {repo: owner/name}}', 'file: rows.jsonl')).toEqual([
      'spec.base.hf: found owner/name not in the Hugging Face cache of this machine, expected it there (hf download owner/name), or a path',
    ]);
    mkdirSync(join(model, 'snapshots/abc'), { recursive: true });
    mkdirSync(join(model, 'refs'));
    writeFileSync(join(model, 'refs/main'), 'abc\n');
    writeFileSync(join(model, 'snapshots/abc/config.json'), '{}');
    expect(findInHubCache({ repo: 'owner/name', revision: 'main' })).toBe(join(model, 'snapshots/abc'));
    expect(findInHubCache({ repo: 'owner/name', revision: 'abc' })).toBe(join(model, 'snapshots/abc'));
    expect(await problems('{hf: {repo: owner/name}}', 'file: rows.jsonl')).toEqual([]);
  } finally {
    delete process.env.HF_HUB_CACHE;
  }
});

/** Problems of a spec that was not validated. */
async function problemsOf(spec: unknown): Promise<string[]> {
  const found = await fileProblems(spec, join(folder, 'pipeline.yaml'));
  return found.map(({ path, message }) => `${formatPath(path)}: ${message.replaceAll(folder, '.')}`);
}

test('files are looked into before any stage starts, also those of later stages', async () => {
  mkdirSync(join(folder, 'adapter'));
  writeFileSync(join(folder, 'adapter/adapter_config.json'), '{"base_model_name_or_path": "some/base"}');
  writeFileSync(join(folder, 'maths.jsonl'), '{"prompt": "a", "solution": "1"}\n');
  writeFileSync(join(folder, 'chat.jsonl'), '{"messages": [{"role": "user", "content": "a"}]}\n{"messages": 1}\n');
  const spec = {
    base: { path: 'adapter' },
    datasets: [
      { name: 'maths', file: 'maths.jsonl' },
      { name: 'chat', file: 'chat.jsonl' },
    ],
    stages: [
      { name: 'zero', grpo: { prompts: ['maths'], rewards: [{ accuracy: {} }] }, evaluation: { data: ['maths'] } },
      { name: 'cold-start', model: { path: 'empty' }, sft: { data: ['maths', 'chat'] } },
    ],
  };
  const columns =
    'columns: {completion: solution, answer: solution} reads solution as completion and solution as answer';
  const ungradable = `./maths.jsonl: no row has an answer that could be graded; found fields prompt, solution. ${columns}`;
  expect(await problemsOf(spec)).toEqual([
    'spec.base.path: ./adapter: is a LoRA adapter of "some/base", not a model; merge it first (peft: merge_and_unload(), then save_pretrained()) and name the merged directory',
    'spec.stages[1].model.path: ./empty/config.json: is missing; expected a Hugging Face model directory',
    `spec.stages[0].grpo.prompts[0]: ${ungradable}`,
    `spec.stages[0].evaluation.data[0]: ${ungradable}`,
    `spec.stages[1].sft.data[0]: ./maths.jsonl:1: has no completion to train; found fields prompt, solution. ${columns}`,
    'spec.datasets[1].file: ./chat.jsonl:2: messages: found 1, expected a list of messages',
  ]);
});

test.each([
  { name: 'no object', spec: 'a', expected: [] },
  {
    name: 'parts of other types',
    spec: { base: 1, datasets: {}, stages: [1, { grpo: [] }], defaults: null },
    expected: [],
  },
  {
    name: 'faults elsewhere',
    spec: { base: { path: 'no-model' }, datasets: [{ name: 'BAD', file: 'no.jsonl' }, { file: 5 }], stages: 'x' },
    expected: [
      'spec.datasets[0].file: found nothing at ./no.jsonl, expected a JSONL or Parquet file',
      'spec.base.path: found nothing at ./no-model, expected a Hugging Face directory',
    ],
  },
])('a spec with $name hides no missing file', async ({ spec, expected }) => {
  expect(await problemsOf(spec)).toEqual(expected);
});

test('of files that come along with a manifest, the rows alone are looked at', async () => {
  writeFileSync(join(folder, 'one.jsonl'), '{"text": 1}');
  const spec = {
    base: { path: 'no-model' },
    datasets: [
      { name: 'one', file: 'one.jsonl' },
      { name: 'elsewhere', file: 'data/two.jsonl' },
    ],
  };
  const found = await carriedProblems(spec, join(folder, 'pipeline.yaml'), ['one.jsonl']);
  expect(found.map(({ message }) => message.replaceAll(folder, '.'))).toEqual([
    './one.jsonl:1: text: expected text that is not empty',
  ]);
});

test('rows are put in the chat template of the model that their stage begins with, also after other stages', async () => {
  const model = join(folder, 'strict');
  cpSync(join(import.meta.dirname, '../../fixtures/mathformer/addformer'), model, { recursive: true });
  writeFileSync(
    join(model, 'chat_template.jinja'),
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" +
      "{% for m in messages %}{{ m['content'] }}{% endfor %}",
  );
  writeFileSync(join(folder, 'roles.jsonl'), '{"prompt": "1"}\n{"prompt": "1", "system": "2"}\n');
  const spec = {
    base: { path: 'strict' },
    datasets: [{ name: 'roles', file: 'roles.jsonl', domain: 'general' }],
    stages: [
      { name: 'first', model: { init: {} }, grpo: { prompts: ['roles'], rewards: [{ format: {} }] } },
      { name: 'second', grpo: { prompts: ['roles'], rewards: [{ format: {} }] } },
      { name: 'third', model: { from: 'second' }, grpo: { prompts: ['roles'], rewards: [{ format: {} }] } },
      {
        name: 'fourth',
        model: { from: 'third' },
        chat: { template: '{{ messages[0].content }}' },
        grpo: { prompts: ['roles'], rewards: [{ format: {} }] },
      },
      { name: 'fifth', model: { from: 'fourth' }, grpo: { prompts: ['roles'], rewards: [{ format: {} }] } },
      {
        name: 'sixth',
        chat: { templateFile: 'first-message.jinja' },
        grpo: { prompts: ['roles'], rewards: [{ format: {} }] },
      },
      { name: 'seventh', model: { from: 'sixth' }, grpo: { prompts: ['roles'], rewards: [{ format: {} }] } },
      { name: 'eighth', chat: { templateFile: 'no.jinja' }, grpo: { prompts: ['roles'], rewards: [{ format: {} }] } },
    ],
  };
  writeFileSync(join(folder, 'first-message.jinja'), '{{ messages[0].content }}');
  const words =
    './roles.jsonl:2: ./strict: its chat template refuses messages of the roles system, user: System role not supported';
  expect(await problemsOf(spec)).toEqual([
    'spec.stages[7].chat.templateFile: found nothing at ./no.jinja, expected a chat template',
    `spec.stages[1].grpo.prompts[0]: ${words}`,
    `spec.stages[2].grpo.prompts[0]: ${words}`,
  ]);
});

const asking = (maxNewTokens: number) => ({
  prompts: ['sums'],
  steps: 1,
  rewards: [{ format: {} }],
  sampling: { maxNewTokens },
});

test('completions that are longer than the context of a model directory are warned of', async () => {
  cpSync(join(import.meta.dirname, '../../fixtures/mathformer/addformer'), join(folder, 'short'), { recursive: true });
  const spec = {
    base: { path: 'short' },
    datasets: [{ name: 'sums', generator: { task: 'addition' } }],
    stages: [
      { name: 'first', grpo: asking(63) },
      { name: 'second', model: { from: 'first' }, grpo: asking(64) },
    ],
  };
  expect(await fileProblems(spec, join(folder, 'pipeline.yaml'))).toEqual([
    expect.objectContaining({
      path: ['spec', 'stages', 1, 'grpo', 'sampling', 'maxNewTokens'],
      message: expect.stringMatching(/^sampling\.maxNewTokens is 64; the context of the model holds 64 tokens/),
      warning: true,
    }),
  ]);
});

test('rubrics of judges are tried before any stage starts, wherever the model is', async () => {
  const [broken, fine] = [
    { from: 'base', rubric: '{{ response' },
    { from: 'base', rubric: 'Rate: {{ response }}' },
  ];
  const comparing = { from: 'base', by: 'comparison', rubric: 'Rate: {{ response }}' };
  const spec = {
    base: { hf: { repo: 'owner/not-here' } },
    datasets: [{ name: 'sums', generator: { task: 'addition' } }],
    stages: [
      { name: 'zero', grpo: { prompts: ['sums'], rewards: [fine, broken, comparing].map((judge) => ({ judge })) } },
      { name: 'pairs', sample: { prompts: ['sums'], pairs: { judge: fine } } },
      { name: 'rows', sample: { prompts: ['sums'], judge: broken } },
    ],
  };
  const lacking = 'does not show the judge what it is to judge; expected response_a and response_b in it';
  const expected = [
    expect.stringMatching(/^spec.stages\[0\].grpo.rewards\[1\].judge.rubric: is no template that can be used: ./),
    `spec.stages[0].grpo.rewards[2].judge.rubric: ${lacking}`,
    `spec.stages[1].sample.pairs.judge.rubric: ${lacking}`,
    expect.stringMatching(/^spec.stages\[2\].sample.judge.rubric: is no template that can be used: ./),
  ];
  expect(await problemsOf(spec)).toEqual(expected);
  const carried = await carriedProblems(spec, join(folder, 'pipeline.yaml'), []);
  expect(carried.map(({ path, message }) => `${formatPath(path)}: ${message}`)).toEqual(expected);
});

test('rewards of one’s own are loaded before any stage starts', async () => {
  writeFileSync(join(folder, 'good.ts'), 'export const grade = ({ completion }: { completion: string }) => 1;');
  writeFileSync(join(folder, 'faulty.ts'), 'const a: number = 1;\nexport function grade( {');
  const rewards = ['good', 'faulty', 'missing'].map((name) => ({ module: { file: `${name}.ts` } }));
  const spec = {
    base: { init: {} },
    datasets: [{ name: 'sums', generator: { task: 'addition' } }],
    stages: [{ name: 'zero', grpo: { prompts: ['sums'], steps: 1, rewards } }],
  };
  expect(await problemsOf(spec)).toEqual([
    'spec.stages[0].grpo.rewards[2].module.file: found nothing at ./missing.ts, expected a TypeScript or JavaScript file',
    expect.stringMatching(
      /^spec\.stages\[0\]\.grpo\.rewards\[1\]\.module\.file: \.\/faulty\.ts: line 2: SyntaxError: /,
    ),
  ]);
  const carried = await carriedProblems(spec, join(folder, 'pipeline.yaml'), ['faulty.ts']);
  expect(carried.map(({ message }) => message)).toEqual([expect.stringContaining('faulty.ts: line 2: ')]);
});

testWithPython(
  'rewards in Python are loaded by the Python that is named, and where it is another machine’s left to it',
  async () => {
    writeFileSync(
      join(folder, 'good.py'),
      'def a(prompts, completions, **columns): return completions\ndef b(completions): pass',
    );
    writeFileSync(join(folder, 'faulty.py'), 'a = 1\ndef grade(:');
    const python = [
      { file: 'good.py', function: 'a', interpreter: 'python3' },
      { file: 'good.py', interpreter: 'python3' },
      { file: 'faulty.py' },
      { file: 'missing.py' },
      { file: 'good.py', function: 'a', interpreter: 'no-such-python' },
    ];
    const spec = {
      base: { init: {} },
      datasets: [{ name: 'sums', generator: { task: 'addition' } }],
      stages: [
        { name: 'zero', grpo: { prompts: ['sums'], steps: 1, rewards: python.map((each) => ({ python: each })) } },
      ],
    };
    expect(await problemsOf(spec)).toEqual([
      'spec.stages[0].grpo.rewards[3].python.file: found nothing at ./missing.py, expected a Python file',
      'spec.stages[0].grpo.rewards[1].python.file: ./good.py: it defines a, b; expected one function with a parameter completions, or the name of one in the field function',
      expect.stringMatching(
        /^spec\.stages\[0\]\.grpo\.rewards\[2\]\.python\.file: \.\/faulty\.py: line 2: SyntaxError: /,
      ),
      'spec.stages[0].grpo.rewards[4].python.file: ./good.py: found no no-such-python on this machine; expected one that runs it, which grpo.rewards[].python.interpreter names',
    ]);
    const carried = await carriedProblems(spec, join(folder, 'pipeline.yaml'), ['good.py', 'faulty.py']);
    expect(carried.map(({ message }) => message)).toEqual([expect.stringContaining('faulty.py: line 2: ')]);
  },
);

const byNeeds = (name: string, prompts: string[]) => ({
  name,
  grpo: { prompts, steps: 1, rewards: [{ python: { file: 'needs.py', interpreter: 'python3' } }] },
});

testWithPython('a reward in Python that needs a column which no dataset of its stage has is told', async () => {
  writeFileSync(join(folder, 'needs.py'), 'def grade(completions, level, topic, **columns): return level');
  writeFileSync(join(folder, 'level.jsonl'), '{"prompt": "a"}\n{"prompt": "b", "level": 1}\n');
  writeFileSync(join(folder, 'topic.jsonl'), '{"prompt": "a", "topic": "b"}\n');
  const spec = {
    base: { init: {} },
    datasets: [
      { name: 'levels', file: 'level.jsonl', domain: 'general' },
      { name: 'topics', file: 'topic.jsonl', domain: 'general' },
    ],
    stages: [byNeeds('both', ['levels', 'topics']), byNeeds('one', ['levels']), byNeeds('later', ['levels', 'both'])],
  };
  expect(await problemsOf(spec)).toEqual([
    'spec.stages[1].grpo.rewards[0].python.file: ./needs.py: its function needs the column topic; found level in ./level.jsonl; expected rows that have what it needs',
  ]);
});

const verifiedBy = (file: string) => ({
  name: file.slice(0, 2),
  file: 'texts.jsonl',
  answer: { verifier: { module: { file } } },
});

test('a verifier of one’s own is loaded before any stage starts', async () => {
  writeFileSync(join(folder, 'texts.jsonl'), '{"prompt": "a", "words": 3}\n');
  writeFileSync(join(folder, 'verifier.js'), 'export const grade = ({ row }) => row.columns.words;');
  writeFileSync(join(folder, 'no-verifier.js'), 'export const check = 1;');
  const spec = {
    base: { init: {} },
    datasets: ['verifier.js', 'no-verifier.js', 'absent.js'].map(verifiedBy),
    stages: [{ name: 'zero', grpo: { prompts: ['ve', 'no', 'ab'], steps: 1, rewards: [{ accuracy: {} }] } }],
  };
  expect(await problemsOf(spec)).toEqual([
    'spec.datasets[2].answer.verifier.module.file: found nothing at ./absent.js, expected a TypeScript or JavaScript file',
    'spec.datasets[1].answer.verifier.module.file: ./no-verifier.js: it exports check; expected one function that is called grade or gradeBatch',
  ]);
});
