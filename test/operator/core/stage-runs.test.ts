import { expect, test } from '@jest/globals';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { pipelineDirectory } from '../../../operator/core/names.ts';
import { firstOwner, goneRuns, runsOf } from '../../../operator/core/stage-runs.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { stageOf } from '../../support/stage-objects.ts';
import { now, succeeded } from '../../support/stages.ts';

const settings =
  'model: {init: {}}\ndatasets: [{name: sums, generator: {task: addition}}]\npretrain: {data: [sums], steps: 3}';
const object = (name: string, uid: string, minute: string, spec = settings): R1Stage =>
  stageOf(spec, { name, uid: `${uid}-6f3f`, creationTimestamp: `2026-01-01T11:${minute}:00Z` });
const first = object('sums-zero', 'aaaaaaaa', '00');

test.each([
  { name: 'a stage that is the only one of its name has no other owner', others: [first] },
  { name: 'one that was there later is none', others: [first, object('copy', 'bbbbbbbb', '01')] },
  {
    name: 'nor is one of another pipeline',
    others: [object('other', 'bbbbbbbb', '00', `${settings}\nseed: 1`)].map(moved),
  },
  {
    name: 'one that was there before has it',
    others: [first, object('copy', 'bbbbbbbb', '00')],
    of: 1,
    is: 'sums-zero',
  },
  {
    name: 'also when it was applied by hand',
    others: [object('hand', 'bbbbbbbb', '00'), object('sums-zero', 'cccccccc', '01')],
    of: 1,
    is: 'hand',
  },
])('$name', ({ others, of = 0, is }) => {
  expect(firstOwner(others[of] ?? first, others)?.metadata.name).toBe(is);
});

function moved(stage: R1Stage): R1Stage {
  return { ...stage, spec: { ...stage.spec, pipeline: 'products' } };
}

test('a pipeline remembers the runs that it has made, the newest last', () => {
  expect(runsOf([], undefined)).toEqual([]);
  expect(runsOf(['aaaaaaaa'], undefined)).toEqual(['aaaaaaaa']);
  expect(runsOf(['aaaaaaaa', 'bbbbbbbb'], object('sums-zero', 'aaaaaaaa', '00'))).toEqual(['bbbbbbbb', 'aaaaaaaa']);
  const many = Array.from({ length: 20 }, (_, at) => `${at}`.padStart(8, '0'));
  expect(runsOf(many, first)).toHaveLength(16);
});

const reader = (path: string): R1Stage =>
  moved(
    stageOf(`model: {input: {stage: zero, path: ${path}, digest: ${'ab'.repeat(32)}}}\n${settings.slice(17)}`, {
      name: 'reader',
      uid: 'eeeeeeee-1',
    }),
  );

test.each([
  { name: 'former runs are gone', all: [first], gone: ['bbbbbbbb', 'cccccccc'] },
  { name: 'but not one whose object is there', all: [first, object('copy', 'bbbbbbbb', '01')], gone: ['cccccccc'] },
  {
    name: 'nor one that another object reads',
    all: [
      {
        ...reader('cccccccc/attempt-1/step-000003'),
        spec: { ...reader('cccccccc/attempt-1/step-000003').spec, pipeline: 'sums' },
      },
    ],
    gone: ['bbbbbbbb'],
  },
  {
    name: 'a pipeline of another name has other directories',
    all: [reader('cccccccc/attempt-1/step-000003')],
    gone: ['bbbbbbbb', 'cccccccc'],
  },
])('$name', ({ all, gone }) => {
  const { status } = decidePipeline({ now, pipeline: pipelineOf(fourStages), stages: [], maxRunningStages: 1 });
  const lines = status.stages.map((line) =>
    line.name === 'zero' ? { ...line, runs: ['bbbbbbbb', 'cccccccc', 'aaaaaaaa'] } : line,
  );
  const pipeline = { ...pipelineOf(fourStages), status: { ...status, stages: lines } };
  expect(goneRuns(pipeline, first, all)).toEqual(gone);
  expect(goneRuns(undefined, first, all)).toEqual([]);
});

test('a pipeline takes no copy of one of its stages for its own, whatever its owner says', () => {
  const pipeline = pipelineOf(fourStages);
  const stages = succeeded(pipeline, ['pretrained']);
  const copy = { ...stages[0]!, metadata: { ...stages[0]!.metadata, name: 'copied' } };
  const { actions, status } = decidePipeline({ now, pipeline, stages: [copy], maxRunningStages: 1 });
  expect(actions).toMatchObject([{ kind: 'CreateStage', stage: { spec: { stage: 'pretrained' } } }]);
  expect(status.stages[0]).toMatchObject({ state: 'Pending' });
});

test('pipelines of one name in two namespaces have two directories', () => {
  const directories = ['a', 'b'].map((namespace) => pipelineDirectory(stageOf(settings, { namespace })));
  expect(directories).toEqual(['a/sums', 'b/sums']);
});
