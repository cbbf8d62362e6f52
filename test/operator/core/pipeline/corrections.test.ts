import { expect, test } from '@jest/globals';
import type { R1Stage } from '../../../../operator/api/resources/stage.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';
import { created, succeeded, withStatus } from '../../../support/stages.ts';
import { type Case, expectDecision, pipeline } from '../pipeline-case.ts';

const [pretrained, zero] = succeeded(pipeline, ['pretrained', 'zero']);
const failedZero = withStatus(created(pipeline, [pretrained!], 'zero'), 'failed');
const failedSamples = withStatus(created(pipeline, [pretrained!, zero!], 'samples'), 'failed');
const resources = 'resources: {limits: {memory: 64Gi}}';
const withMore = (stage: string) =>
  pipelineOf(fourStages.replace(`{name: ${stage}, `, `{name: ${stage}, ${resources}, `));
const rolling = pipelineOf(
  fourStages.replace(
    'steps: 3}}',
    'steps: 3}, gate: {metric: eval/pass@1, atLeast: 0.5, onFailure: Rollback}, evaluation: {data: [sums]}}',
  ),
);
const rolledBack = succeeded(rolling, ['pretrained'], { metrics: { 'eval/pass@1': 0.1 } });
const afterRollback = withStatus(created(rolling, rolledBack, 'zero'), 'failed');
const byHand = (stage: R1Stage): R1Stage => ({ ...stage, spec: { ...stage.spec, seed: 99 } });

test.each<Case>([
  {
    name: 'makes the input again that a corrected stage lacks',
    given: { pipeline: withMore('zero'), stages: [failedZero] },
    actions: ['create pretrained'],
    condition: ['Unknown', 'Pending', 'stage pretrained is next'],
    states: ['Pending', 'Failed', 'Waiting', 'Waiting'],
  },
  {
    name: 'waits for it',
    given: {
      pipeline: withMore('zero'),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'running'), failedZero],
    },
    condition: ['Unknown', 'StageRunning', 'stage pretrained: it has running'],
  },
  {
    name: 'tries the corrected stage again once it is there',
    given: { pipeline: withMore('zero'), stages: [pretrained!, failedZero] },
    actions: ['update zero'],
    condition: ['Unknown', 'Pending', 'stage zero is tried again with the settings that are asked for now'],
  },
  {
    name: 'makes all again that a corrected stage lacks, one after the other',
    given: { pipeline: withMore('samples'), stages: [failedSamples] },
    actions: ['create pretrained'],
    condition: ['Unknown', 'Pending', 'stage pretrained is next'],
  },
  {
    name: 'stays failed where another stage was corrected',
    given: { pipeline: withMore('student'), stages: [failedZero] },
    condition: ['False', 'StageFailed', expect.stringContaining('stage zero failed')],
  },
  {
    name: 'stays failed where nothing was corrected',
    given: { stages: [failedSamples] },
    condition: ['False', 'StageFailed', expect.stringContaining('stage samples failed')],
  },
  {
    name: 'stays failed where the stage was changed by hand and not in the manifest',
    given: { stages: [byHand(failedZero)] },
    condition: ['False', 'StageFailed', expect.stringContaining('stage zero failed')],
  },
  {
    name: 'stays failed where a gate had put another model in the place of what is gone',
    given: { pipeline: rolling, stages: [afterRollback] },
    condition: ['False', 'StageFailed', expect.stringContaining('stage zero failed')],
  },
  {
    name: 'fails with the input that fails again',
    given: {
      pipeline: withMore('zero'),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'failed'), failedZero],
    },
    condition: ['False', 'StageFailed', expect.stringContaining('stage pretrained failed')],
  },
  {
    name: 'starts nothing while it is suspended',
    given: {
      pipeline: pipelineOf(`${fourStages.replace('{name: zero, ', `{name: zero, ${resources}, `)}suspend: true`),
      stages: [failedZero],
    },
    condition: ['Unknown', 'Suspended'],
  },
])('a failed pipeline whose input somebody deleted $name', expectDecision);
