import { expect, test } from '@jest/globals';
import { evaluationOf, trainedOn } from '../../../operator/api/evaluation-plan.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';

const heldOut = fourStages.replace('{task: addition}', '{task: addition, heldOut: 50}');
const testSet = '  - {name: exam, file: exam.jsonl, answer: {kind: number}}\nstages:';

test.each<[name: string, spec: string, evaluated: (string[] | undefined)[], trained: string[][]]>([
  [
    'no rows are held out: nothing is measured',
    fourStages,
    [undefined, undefined, undefined, undefined],
    [[], [], [], []],
  ],
  [
    'a stage that gives a policy is measured on the held-out rows of its prompts, however far up they are',
    heldOut,
    [['sums'], ['sums'], undefined, ['sums']],
    [[], [], [], []],
  ],
  [
    'what the defaults name takes their place',
    `${heldOut.replace('stages:', testSet)}defaults: {evaluation: {data: [exam]}}`,
    [['exam'], ['exam'], undefined, ['exam']],
    [[], [], [], []],
  ],
  [
    'training rows are known as such from the stage on that learns from them',
    `${fourStages.replace('stages:', testSet).replace('data: [sums], steps', 'data: [exam], steps')}defaults: {evaluation: {data: [sums, exam]}}`,
    [['sums', 'exam'], ['sums', 'exam'], undefined, ['sums', 'exam']],
    [['exam'], ['sums', 'exam'], [], ['sums', 'exam']],
  ],
])('%s', (_name, spec, evaluated, trained) => {
  const pipeline = pipelineOf(spec);
  const { stages } = pipeline.spec;
  expect(stages.map((stage) => evaluationOf(stage, pipeline)?.data)).toEqual(evaluated);
  expect(stages.map((stage) => trainedOn(stage, pipeline))).toEqual(trained);
});

test('a stage that is measured by default samples as it does in training', () => {
  const pipeline = pipelineOf(heldOut.replace('rewards:', 'sampling: {maxNewTokens: 9}, rewards:'));
  expect(evaluationOf(pipeline.spec.stages[1]!, pipeline)).toMatchObject({ limit: 200, sampling: { maxNewTokens: 9 } });
});
