import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { r1 } from '../support/cli.ts';
import { fourStages, pipelineOf, Workbench } from '../support/pipelines.ts';
import { writePipelineState } from '../support/synthetic-run/write-pipeline-state.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const state = useSharedDirectory();
beforeAll(async () => {
  await writePipelineState(state(), { finished: 5 });
});

test('lists pipelines with the columns of kubectl; one whose runner is gone is interrupted', async () => {
  const { code, stdout, stderr } = await r1(['get', '--state', state()]);
  expect([code, stderr]).toEqual([0, '']);
  const [head, row] = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(head).toEqual([
    'NAME',
    'STATE',
    'STAGE',
    'PROGRESS',
    'ETA',
    'GPU-H',
    'RESTARTS',
    'WARNINGS',
    'AGE',
    'MESSAGE',
  ]);
  expect(row?.slice(0, 5)).toEqual(['r1-tiny', 'Interrupted', 'reasoning-rl', '5/11', '-']);
});

test('lists the stages that exist in the order of the manifest', async () => {
  const { stdout } = await r1(['get', 'stages', 'r1-tiny', '-o', 'wide', '--state', state()]);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]?.split(/ {2,}/)).toEqual(
    'NAME PIPELINE TYPE STATE STEP PROGRESS REWARD LOSS ATTEMPT WARNINGS AGE PASS@1 KL NODE DEVICE WORKERS CHECKPOINT MESSAGE'.split(
      ' ',
    ),
  );
  expect(lines.slice(1).map((line) => line.split(/ +/)[0])).toEqual(
    'pretrained r1-zero cold-start-data review cold-start reasoning-rl'.split(' '),
  );
});

test.each([
  {
    state: 'Changed',
    after: fourStages.replace('pretrain: {data: [sums], steps: 3}', 'pretrain: {data: [sums], steps: 2}'),
  },
  { state: 'Waiting', after: fourStages.replace('steps: 3}}', 'steps: 3}, gate: {approval: true}}') },
])('a finished stage is $state where the table of its run calls it so', async ({ state: word, after }) => {
  const bench = new Workbench({ zero: [{ exit: 'userError', failAfter: 0 }] });
  await bench.run(pipelineOf(fourStages));
  await bench.run(pipelineOf(after));
  for (const name of [[], ['test']]) {
    const { stdout } = await r1(['get', 'stages', ...name, '--state', bench.stateDir]);
    expect(stdout).toMatch(new RegExp(`^pretrained +test +pretrain +${word} `, 'm'));
  }
});

test('prints resources for machines', async () => {
  const [json, yaml] = await Promise.all([
    r1(['get', 'r1p', '-o', 'json', '--state', state()]),
    r1(['get', 'r1s', 'r1-tiny', '-o', 'yaml', '--state', state()]),
  ]);
  expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'R1PipelineList', items: [{ metadata: { name: 'r1-tiny' } }] });
  expect(parse(yaml.stdout)).toMatchObject({ kind: 'R1StageList', items: { length: 6 } });
});

test('prints one pipeline as itself, and names as kubectl takes them', async () => {
  const [one, names] = await Promise.all([
    r1(['get', 'pipelines', 'r1-tiny', '-o', 'json', '--state', state()]),
    r1(['get', 'stages', '-o', 'name', '--state', state()]),
  ]);
  expect(JSON.parse(one.stdout)).toMatchObject({ kind: 'R1Pipeline', metadata: { name: 'r1-tiny' } });
  expect(names.stdout.split('\n')[0]).toBe('r1stage.r1.dev/r1-tiny-pretrained');
});

test.each([
  { args: ['get', 'pipelines', 'other'], says: /pipeline "other" not found in .*; known: r1-tiny/ },
  { args: ['get', 'pipelines', '../r1-tiny'], says: /pipeline "..\/r1-tiny" not found/ },
  {
    args: ['get', 'r1-tiny'],
    says: /^r1: get: unknown kind "r1-tiny"; expected pipelines or stages; r1 get pipelines r1-tiny shows a pipeline of that name$/m,
  },
  { args: ['get', 'r1-tiny', 'review'], says: /; r1 get stages r1-tiny shows the stages of a pipeline of that name$/m },
  { args: ['get', 'r1-tiny/review'], says: /; r1 get stages r1-tiny shows the stages of a pipeline of that name$/m },
  { args: ['get', 'r1pipeline.r1.dev/r1-tiny'], says: /; r1 get pipelines r1-tiny shows that pipeline$/m },
  { args: ['get', 'pipelines/r1-tiny'], says: /; r1 get pipelines r1-tiny shows that pipeline$/m },
  {
    args: ['get', 'stages/r1-tiny-review'],
    says: /unknown kind "stages\/r1-tiny-review"; expected pipelines or stages$/m,
  },
  {
    args: ['get', 'piplines'],
    says: /unknown kind "piplines"; expected pipelines or stages; did you mean pipelines\?$/m,
  },
  { args: ['get', './tiny.yaml'], says: /unknown kind ".\/tiny.yaml"; expected pipelines or stages$/m },
  { args: ['get', 'constructor'], says: /unknown kind "constructor"; expected pipelines or stages; / },
  { args: ['get', '-o', 'xml'], says: /Allowed choices are wide, json, yaml, name/ },
  { args: ['get', '--watch', '-o', 'json'], says: /found --watch with -o json, expected it with a table/ },
  { args: ['get', 'stages', 'r1-tiny', '-A'], says: /found --all-namespaces with the pipeline "r1-tiny"/ },
])('$args is a user error', async ({ args, says }) => {
  const { code, stdout, stderr } = await r1([...args, '--state', state()]);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toMatch(says);
});

test('an empty place has no pipelines, which is no error', async () => {
  const { code, stdout } = await r1(['get', '--state', join(state(), 'nothing')]);
  expect([code, stdout]).toEqual([0, '']);
});

test('--watch shows a pipeline until it has ended', async () => {
  const ended = join(state(), 'ended');
  await writePipelineState(ended, { finished: 11 });
  const { code, stdout } = await r1(['get', 'pipelines', 'r1-tiny', '--watch', '--state', ended]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^pretrained +pretrain +Succeeded/m);
});
