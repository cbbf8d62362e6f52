import { describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { grade } from '../../examples/verifiers/countdown.ts';
import { r1 } from '../support/cli.ts';
import { useTemporaryDirectory } from '../support/temporary-directory.ts';

const examples = join(import.meta.dirname, '../../examples');
const directory = useTemporaryDirectory();

interface Example {
  readonly metadata: { readonly name: string };
  readonly spec: {
    base: object;
    readonly defaults?: { readonly evaluation: object };
    readonly stages: readonly Readonly<Record<string, unknown>>[];
  };
}

const init = { hiddenSize: 32, layers: 1, heads: 2, kvHeads: 1, maxLength: 512 };
const sampling = { maxNewTokens: 4 };
const evaluation = { limit: 2, samples: 1, sampling };
/** What makes a stage of each type take seconds. */
const reductions: Readonly<Record<string, object>> = {
  pretrain: { steps: 1, batch: 2 },
  grpo: { steps: 1, promptsPerStep: 2, group: 2, sampling },
  sft: { epochs: 1 },
  rewardModel: { epochs: 1, batch: 200 },
  evaluate: evaluation,
  evaluation,
};

/** The example with a model, steps and batches that take no time, and all else as people find it. */
function reduced({ spec, ...example }: Example): Example {
  const defaults = spec.defaults && {
    ...spec.defaults,
    evaluation: { ...spec.defaults.evaluation, ...evaluation },
  };
  const stages = spec.stages.map((stage) => {
    const smaller = Object.entries(stage).flatMap(([field, value]): [string, unknown][] => {
      if (field === 'gate') return []; // a model that has learned for a step passes none
      if (field === 'model' && typeof value === 'object' && value !== null && 'init' in value)
        return [[field, { init }]];
      return [[field, field in reductions ? { ...(value as object), ...reductions[field] } : value]];
    });
    return Object.fromEntries(smaller) as Example['spec']['stages'][number];
  });
  return { ...example, spec: { ...spec, base: { init }, ...(defaults && { defaults }), stages } };
}

test.each([
  'bilingual',
  'chat-preferences',
  'code',
  'countdown',
  'distill',
  'enterprise-knowledge',
  'industrial-sensors',
  'math',
  ...(process.env['R1_LONG_TESTS'] === '1' ? ['reasoning-gym', 'refine'] : []), // many models
  'tools',
])('examples/%s.yaml runs at reduced size', async (name) => {
  const { manifest, stages } = await writeReduced(name);
  const { code, stdout, stderr } = await r1(['run', manifest, ...inState()]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const stage of stages) expect(stdout).toMatch(new RegExp(`^${stage}: succeeded`, 'm'));
});

test('examples/reviewed-cold-start.yaml waits for a person, and goes on with what one has decided', async () => {
  const { manifest, stages } = await writeReduced('reviewed-cold-start');
  const decisions = join(examples, 'data/reviewed-sums/decisions.jsonl');
  const decide = ['review', 'reviewed-cold-start/people', '--import', decisions, ...inState()];
  let imported: ReturnType<typeof r1> | undefined;
  const { code, stdout, stderr } = await r1(['run', manifest, ...inState()], {
    onStdout(text) {
      if (text.includes('60 of 60 rows wait for a person: http')) imported ??= r1(decide);
    },
  });
  expect(await imported).toEqual({
    code: 0,
    stdout: '60 decisions imported; all rows are reviewed\n',
    stderr: '',
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  for (const stage of stages) expect(stdout).toMatch(new RegExp(`^${stage}: succeeded`, 'm'));
  const learned = await readFile(join(directory(), 'state/reviewed-cold-start/volume/people/data/rows.jsonl'), 'utf8');
  expect(learned.trimEnd().split('\n')).toHaveLength(50);
  expect(learned).toContain('ones 4+8=12 tens 3+8+1=12');
  expect(learned).not.toContain('ones 4+8=2 ');
});

/** Writes the example where it finds its data, and says which stages it has. */
async function writeReduced(name: string): Promise<{ manifest: string; stages: string[] }> {
  const example = parse(await readFile(join(examples, `${name}.yaml`), 'utf8')) as Example;
  const manifest = join(directory(), `${name}.yaml`);
  await writeFile(manifest, stringify(reduced(example)));
  for (const folder of ['data', 'rewards', 'verifiers'])
    await symlink(join(examples, folder), join(directory(), folder));
  return { manifest, stages: example.spec.stages.map((stage) => String(stage['name'])) };
}

function inState(): string[] {
  return ['--state', join(directory(), 'state')];
}

test('examples/reasoning-gym.yaml is valid', async () => {
  const { code, stdout } = await r1(['validate', join(examples, 'reasoning-gym.yaml')]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('R1Pipeline reasoning-gym is valid') });
});

test('examples/README.md has a line for each', () => {
  const page = readFileSync(join(examples, 'README.md'), 'utf8');
  const listed = Array.from(page.matchAll(/^\| \[([\w-]+\.yaml)\]\(\1\) \|/gm), ([, name]) => name);
  expect(new Set(listed)).toEqual(new Set(readdirSync(examples).filter((name) => name.endsWith('.yaml'))));
});

describe('data of examples are what the script beside them writes:', () => {
  const made = readdirSync(join(examples, 'data')).filter((name) =>
    existsSync(join(examples, 'data', name, 'make.ts')),
  );
  test.each(made)('%s', async (name) => {
    const [written, kept] = [join(directory(), name), join(examples, 'data', name)];
    await mkdir(written);
    await promisify(execFile)(process.execPath, [join(kept, 'make.ts'), written]);
    const files = (await filesBelow(kept)).filter((file) => file !== 'make.ts');
    expect(await filesBelow(written)).toEqual(files);
    for (const file of files)
      expect(readFileSync(join(written, file), 'utf8')).toBe(readFileSync(join(kept, file), 'utf8'));
  });
});

test.each([
  { answer: '4*(3+2)', score: 1 },
  { answer: '(2 + 3) * 4', score: 1 },
  { answer: '4*3+2', score: 0, why: 'another value' },
  { answer: '4*5', score: 0, why: 'a number that is not given' },
  { answer: '4*(3+2)+0', score: 0, why: 'a number too many' },
  { answer: '4*(3+2', score: 0, why: 'a bracket that is not closed' },
  { answer: '4*(3+2))', score: 0, why: 'a bracket that is not opened' },
  { answer: '4(3+2)', score: 0, why: 'no operator' },
  { answer: '2 3 4', score: 0, why: 'no expression' },
  { answer: '20', score: 0, why: 'the target itself' },
  { answer: '4*(3+2)</answer><answer>4*(3+2)', score: 0, why: 'two answers' },
])('Countdown: $answer of 2, 3 and 4 for 20 scores $score', ({ answer, score }) => {
  const row = { columns: { numbers: [2, 3, 4], target: 20 } };
  expect(grade({ completion: `<think>try</think><answer>${answer}</answer>`, row })).toBe(score);
});

/** Their paths in the folder, sorted. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => relative(folder, join(parentPath, name))).toSorted();
}
