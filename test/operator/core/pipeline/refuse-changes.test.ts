import { expect, test } from '@jest/globals';
import { pipelineOf } from '../../../support/pipelines.ts';
import { created, succeeded, withStatus } from '../../../support/stages.ts';
import { type Case, expectDecision } from '../pipeline-case.ts';

const pretrain = 'pretrain: {data: [sums], steps: 3}';
const chain = (...names: readonly string[]): string =>
  names
    .map((name, at) => `  - {name: ${name}, ${at === 0 ? '' : `model: {from: ${names[at - 1]}}, `}${pretrain}}\n`)
    .join('');
const of = (stages: string) =>
  pipelineOf(`base: {init: {}}\ndatasets: [{name: sums, generator: {task: addition}}]\nstages:\n${stages}`);

const three = of(chain('first', 'second', 'third'));
const done = succeeded(three, ['first', 'second', 'third']);
const second = withStatus(created(three, done.slice(0, 1), 'second'), 'running');

test.each<Case>([
  {
    name: 'has a new first stage, which finished ones would have to start from',
    given: { pipeline: of(chain('zero', 'first', 'second', 'third')), stages: done },
    condition: [
      'False',
      'StageChanged',
      expect.stringMatching(/^stage first has finished with other settings .*; restore/),
    ],
    states: ['Skipped', 'Changed', 'Succeeded', 'Succeeded'],
  },
  {
    name: 'has a new first stage, while a later one runs',
    given: { pipeline: of(chain('zero', 'second')), stages: [done[0]!, second] },
    actions: [],
    condition: [
      'False',
      'StageChanged',
      expect.stringMatching(/^stage second has begun with what its inputs gave before/),
    ],
  },
  {
    name: 'has another name for a stage whose output a finished one has learned from',
    given: { pipeline: of(chain('first', 'zweite', 'third')), stages: done },
    condition: [
      'False',
      'StageChanged',
      expect.stringMatching(
        /^stage third has finished with what its inputs gave before \(model.input.stage: "second" → "zweite", model.input.digest: \w+… → "not made yet"\); run again from third on/,
      ),
    ],
    states: ['Succeeded', 'Skipped', 'Changed'],
  },
  {
    name: 'has other settings for a finished stage whose input somebody deleted',
    given: {
      pipeline: of(
        chain('first', 'second', 'third').replace(
          '{from: second}, pretrain: {',
          '{from: second}, pretrain: {batch: 9, ',
        ),
      ),
      stages: [done[0]!, done[2]!],
    },
    condition: ['False', 'StageChanged', expect.stringContaining('stage third has finished with other settings')],
  },
  {
    name: 'is as it was where somebody deleted an input of a finished stage, which is made again',
    given: { pipeline: three, stages: [done[0]!, done[2]!] },
    actions: ['create second'],
    condition: ['Unknown', 'Pending', 'stage second is next'],
  },
])('nothing is spent before it is refused that a pipeline $name', expectDecision);
