import { expect, test } from '@jest/globals';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { readPipelineState } from '../../../operator/local/pipeline-state.ts';
import { digests, fourStages, lastAttempt, pipelineOf, Workbench } from '../../support/pipelines.ts';

const quick = 'defaults: {retry: {backoffSeconds: 0.01}}';

test('runs every stage once its inputs are there and pins what it hands over', async () => {
  const bench = new Workbench();
  const result = await bench.run(pipelineOf(fourStages));
  expect(result).toMatchObject({ outcome: 'Succeeded', exitCode: 0, message: 'all 4 stages have succeeded' });
  expect(result.pipeline.status?.display).toMatchObject({ state: 'Succeeded', progress: '4/4', restarts: 0 });
  const file = JSON.parse(bench.read('files/zero.attempt-1.json'));
  expect(file.model.input.digest).toBe(digests(result).pretrained);
  expect(bench.events.filter(({ type }) => type === 'attemptEnded')).toHaveLength(4);
  expect(bench.events.filter(({ type }) => type === 'progress').length).toBeGreaterThan(8);

  const again = await bench.run(pipelineOf(fourStages));
  expect(again.outcome).toBe('Succeeded');
  expect(digests(again)).toEqual(digests(result));
  expect(bench.read('volume/zero/attempts.log')).toBe('1\n');
});

test('tries a stage again after a failure that a retry can cure, from its newest checkpoint', async () => {
  const bench = new Workbench({
    zero: [{ failAfter: 1, exit: 'outOfMemory' }, { failAfter: 2, signal: 'SIGKILL' }, {}],
  });
  const result = await bench.run(pipelineOf(fourStages + quick));
  expect(result.outcome).toBe('Succeeded');
  const zero = result.stages.find(({ spec }) => spec.stage === 'zero');
  expect(zero?.status).toMatchObject({ failures: { outOfMemory: 1, infrastructure: 1 } });
  expect(bench.read('volume/zero/steps.log')).toBe('1 1\n2 2\n3 3\n');
});

test.each([
  { exit: 'userError', exitCode: 64, attempts: 1, reason: 'UserError' },
  { exit: 'diverged', exitCode: 67, attempts: 1, reason: 'RetriesExhausted' },
  { exit: 3, exitCode: 1, attempts: 2, reason: 'RetriesExhausted' },
] as const)('gives up after $attempts attempts that end with $exit', async ({ exit, exitCode, attempts, reason }) => {
  const bench = new Workbench({ zero: [{ failAfter: 1, exit, message: 'cannot go on' }] });
  const result = await bench.run(pipelineOf(fourStages + quick));
  expect(result).toMatchObject({ outcome: 'Failed', exitCode, reason: 'StageFailed' });
  expect(result.message).toContain('cannot go on');
  expect(lastAttempt(result, 'zero')?.number).toBe(attempts);
  expect(result.stages[1]?.status?.conditions[0]).toMatchObject({ status: 'False', reason });
  expect(result.pipeline.status?.stages.map(({ state }) => state)).toEqual([
    'Succeeded',
    'Failed',
    'Skipped',
    'Skipped',
  ]);
});

test('what a stage warns of is kept with it and does not end it', async () => {
  const warnings = [{ reason: 'NoSignal', message: 'no group of completions has differed in reward since step 3' }];
  const bench = new Workbench({ zero: [{ warnings }] });
  const result = await bench.run(pipelineOf(fourStages));
  expect(result.outcome).toBe('Succeeded');
  expect(result.stages.map(({ status }) => status?.warnings)).toEqual([undefined, warnings, undefined, undefined]);
  expect(result.pipeline.status?.display).toMatchObject({ state: 'Succeeded', warnings: 'zero' });
});

test('starting the run again tries a failed stage again and keeps what it had', async () => {
  const bench = new Workbench({ zero: [{ failAfter: 2, exit: 'userError' }, {}] });
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Failed');
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Succeeded');
  expect(bench.read('volume/zero/steps.log')).toBe('1 1\n1 2\n2 3\n');
});

test('ends an attempt that stays silent, even if it does not listen, and starts another one', async () => {
  const bench = new Workbench({ zero: [{ failAfter: 1, hang: true }, {}] });
  const result = await bench.run(
    pipelineOf(`${fourStages}defaults: {retry: {backoffSeconds: 0, hungAfterSeconds: 1}}`),
    { graceMs: 300 },
  );
  expect(result.outcome).toBe('Succeeded');
  expect(result.stages[1]?.status?.failures).toEqual({ hung: 1 });
});

test('a stage whose checkpoint is damaged when it ends does not count as finished', async () => {
  const bench = new Workbench({ pretrained: [{ damage: true }, {}] });
  const result = await bench.run(pipelineOf(fourStages + quick));
  expect(result.outcome).toBe('Succeeded');
  expect(result.stages[0]?.status?.attempts[0]).toMatchObject({ outcome: 'Failed', class: 'infrastructure' });
  expect(result.stages[0]?.status?.attempts[0]?.message).toMatch(/weights: found 7 bytes, expected 64/);
});

test('a finished stage that lost its output is run again while others need it, with the same result', async () => {
  const bench = new Workbench({ zero: [{ exit: 'userError', failAfter: 0 }, {}] });
  const failed = await bench.run(pipelineOf(fourStages));
  rmSync(join(bench.stateDir, 'test/volume/pretrained/step-000003'), { recursive: true });
  const result = await bench.run(pipelineOf(fourStages));
  expect(result.outcome).toBe('Succeeded');
  expect(digests(result).pretrained).toBe(digests(failed).pretrained);
  expect(bench.read('volume/zero/attempts.log')).toBe('1\n2\n');
  rmSync(join(bench.stateDir, 'test/volume/pretrained'), { recursive: true });
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Succeeded'); // nobody needs it any more
  expect(existsSync(join(bench.stateDir, 'test/volume/pretrained'))).toBe(false);
});

test('refuses other settings for a finished stage, names the change, and runs again from it when told to', async () => {
  const bench = new Workbench();
  const first = await bench.run(pipelineOf(fourStages));
  const changed = pipelineOf(
    fourStages.replace('grpo: {prompts: [sums], steps: 3', 'grpo: {prompts: [sums], steps: 2'),
  );
  const refused = await bench.run(changed);
  expect(refused).toMatchObject({ outcome: 'Failed', reason: 'StageChanged', exitCode: 64 });
  expect(refused.message).toBe(
    'stage zero has finished with other settings (grpo.steps: 3 → 2); restore them, run again from zero on (r1 run FILE --rerun-from zero; on a cluster: r1 rerun test --from zero), or give the pipeline another name',
  );
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Succeeded');

  const rerun = await bench.run(changed, { rerunFrom: ['zero'] });
  expect(rerun.outcome).toBe('Succeeded');
  expect(digests(rerun).pretrained).toBe(digests(first).pretrained);
  expect(digests(rerun).zero).not.toBe(digests(first).zero);
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n');
  await expect(bench.run(changed, { rerunFrom: ['zeros'] })).rejects.toThrow('cannot run again from "zeros"');
});

test('measures finished stages when an evaluation is added, without a new step and without running later ones again', async () => {
  const bench = new Workbench();
  const first = await bench.run(pipelineOf(fourStages));
  const steps = bench.read('volume/zero/steps.log');
  const measured = pipelineOf(`${fourStages}defaults: {evaluation: {data: [sums]}}`);
  const again = await bench.run(measured);
  expect(again).toMatchObject({ outcome: 'Succeeded', exitCode: 0 });
  expect(digests(again)).toEqual(digests(first));
  expect(bench.read('volume/zero/steps.log')).toBe(steps);
  expect(bench.read('volume/zero/attempts.log')).toBe('1\n2\n');
  expect(bench.read('volume/samples/attempts.log')).toBe('1\n');
  const notes = bench.events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  expect(notes).toContainEqual(expect.stringMatching(/^stage zero is measured anew, its output stays \(evaluation/));
  expect((await bench.run(measured)).outcome).toBe('Succeeded');
  expect(bench.read('volume/zero/attempts.log')).toBe('1\n2\n');
});

test('goes on with a finished stage that is asked for more steps', async () => {
  const oneStage = fourStages.slice(0, fourStages.indexOf('  - {name: zero'));
  const bench = new Workbench();
  await bench.run(pipelineOf(oneStage));
  const result = await bench.run(pipelineOf(oneStage.replace('steps: 3', 'steps: 5')));
  expect(result.outcome).toBe('Succeeded');
  const notes = bench.events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  expect(notes).toEqual(['stage pretrained is made longer (pretrain.steps: 3 → 5)']);
  expect(lastAttempt(result, 'pretrained')?.number).toBe(2);
});

test('says which stages of an earlier manifest of the same name are not in this one, once', async () => {
  const bench = new Workbench();
  const oneStage = fourStages.slice(0, fourStages.indexOf('  - {name: zero'));
  const other = pipelineOf(oneStage.replace('pretrained', 'warm-up'));
  await bench.run(pipelineOf(oneStage));
  const notes = () => bench.events.flatMap((event) => (event.type === 'note' ? [event.message] : []));
  expect((await bench.run(other)).outcome).toBe('Succeeded');
  expect(notes()).toEqual([`not in this manifest any more: pretrained; what was made stays in ${bench.stateDir}/test`]);
  await bench.run(other);
  expect(notes()).toHaveLength(1);
  expect(bench.read('volume/pretrained/result.json')).toContain('succeeded');
});

test('settings that decide no result may change while a pipeline is under way', async () => {
  const bench = new Workbench({ zero: [{ failAfter: 1, exit: 'outOfMemory' }, {}] });
  expect((await bench.run(pipelineOf(`${fourStages}defaults: {retry: {outOfMemory: 0}}`))).outcome).toBe('Failed');
  expect((await bench.run(pipelineOf(`${fourStages}defaults: {retry: {outOfMemory: 4}}`))).outcome).toBe('Succeeded');
});

function gated(bound: number): string {
  return fourStages.replace('steps: 3}}', `steps: 3}, gate: {metric: eval/pass@1, atLeast: ${bound}}}`);
}

test('a closed gate fails the pipeline, and a wider one lets the next run go on', async () => {
  const bench = new Workbench({ pretrained: [{ metrics: { 'eval/pass@1': 0.3 } }] });
  const closed = await bench.run(pipelineOf(gated(0.5)));
  expect(closed).toMatchObject({ outcome: 'Failed', reason: 'GateFailed', exitCode: 1 });
  expect(closed.message).toBe('the gate of stage pretrained failed: eval/pass@1 is 0.3, at least 0.5 was asked');
  expect(closed.pipeline.status?.gates).toMatchObject([
    { stage: 'pretrained', value: 0.3, passed: false, action: 'Stopped' },
  ]);
  const open = await bench.run(pipelineOf(gated(0.2)));
  expect(open.outcome).toBe('Succeeded');
  expect(bench.read('volume/pretrained/attempts.log')).toBe('1\n');
});

test('what only an operator does is left alone here', async () => {
  const bench = new Workbench();
  const pipeline = pipelineOf(`${fourStages}ttlSecondsAfterFinished: 0\nvolumes: [{path: data, configMap: chat}]`);
  const manifest = { ...pipeline, metadata: { name: 'test', annotations: { 'r1.dev/rerun-from': 'zero' } } };
  for (let run = 1; run <= 2; run++) expect((await bench.run(manifest)).outcome).toBe('Succeeded');
  expect(bench.read('volume/zero/attempts.log')).toBe('1\n');
});

test('after a rollback later stages start from the model before', async () => {
  const bench = new Workbench({ pretrained: [{ metrics: { m: 2 } }], zero: [{ metrics: { m: 1 } }] });
  const manifest = fourStages.replace(
    'rewards: [{accuracy: {}}]}',
    'rewards: [{accuracy: {}}]}, gate: {metric: m, notBelow: {stage: pretrained, by: 0.5}, onFailure: Rollback}',
  );
  const result = await bench.run(pipelineOf(manifest));
  expect(result.outcome).toBe('Succeeded');
  expect(result.message).toContain(
    'm is 1, at least 2 − 0.5 (pretrained) was asked; the model of pretrained is used instead',
  );
  expect(JSON.parse(bench.read('files/samples.attempt-1.json')).model.input.stage).toBe('pretrained');
});

test('starts nothing while suspended', async () => {
  const bench = new Workbench();
  const result = await bench.run(pipelineOf(`${fourStages}suspend: true`));
  expect(result).toMatchObject({ outcome: 'Suspended' });
  expect(result.stages).toEqual([]);
  expect((await bench.run(pipelineOf(fourStages))).outcome).toBe('Succeeded');
});

test('names every missing file before anything runs', async () => {
  const bench = new Workbench();
  const manifest = pipelineOf(
    fourStages
      .replace('base: {init: {}}', 'base: {path: models/none}')
      .replace('generator: {task: addition}', 'file: data/none.jsonl'),
  );
  await expect(bench.run(manifest)).rejects.toThrow(
    /spec.datasets\[0\].file: found nothing at .*none.jsonl, expected a JSONL or Parquet file\n.*spec.base.path: found nothing/,
  );
  expect(existsSync(bench.stateDir)).toBe(false);
});

test('resolves the paths of the manifest for the trainer', async () => {
  const bench = new Workbench();
  writeFileSync(join(bench.folder, 'rows.jsonl'), '');
  await bench.run(pipelineOf(fourStages.replace('generator: {task: addition}', 'file: rows.jsonl')), { workers: 3 });
  expect(JSON.parse(bench.read('files/pretrained.attempt-1.json'))).toMatchObject({
    datasets: [{ file: join(bench.folder, 'rows.jsonl') }],
    workers: 3,
    model: { init: { hiddenSize: 128 } },
  });
});

test('says plainly that a trainer cannot be started', async () => {
  const bench = new Workbench();
  const result = await bench.run(pipelineOf(`${fourStages}defaults: {retry: {crashed: 0}}`), { trainer: ['/no/such'] });
  expect(result.message).toContain('cannot start the trainer: spawn /no/such ENOENT');
});

test('keeps the state readable for others', async () => {
  const bench = new Workbench();
  expect(await readPipelineState(bench.stateDir, 'test')).toBeUndefined();
  await bench.run(pipelineOf(fourStages));
  const state = await readPipelineState(bench.stateDir, 'test');
  expect(state?.runner).toBeUndefined();
  expect(state?.pipeline.status?.display?.state).toBe('Succeeded');
  expect(state?.stages).toHaveLength(4);
});

test.each([
  { place: 'a file', stateDir: 'file', says: 'file: found EEXIST: ' },
  { place: 'below a file', stateDir: 'file/below', says: 'file/below: found ENOTDIR: ' },
  { place: 'a directory whose entry for the pipeline is a file', stateDir: '.', says: '.: found EEXIST: ' },
])('refuses a state directory that is $place', async ({ stateDir, says }) => {
  const bench = new Workbench();
  writeFileSync(join(bench.folder, 'file'), '');
  writeFileSync(join(bench.folder, 'test'), '');
  const running = bench.run(pipelineOf(fourStages), { stateDir: `${bench.folder}/${stateDir}` });
  await expect(running).rejects.toThrow(UserError);
  await expect(running).rejects.toThrow(`${bench.folder}/${says}`);
  await expect(running).rejects.toThrow('expected a directory for the state that you may write to');
});
