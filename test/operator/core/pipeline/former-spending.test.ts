import { expect, test } from '@jest/globals';
import type { R1Pipeline } from '../../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../../operator/core/pipeline/decide-pipeline.ts';
import { formerSpending } from '../../../../operator/core/pipeline/former-spending.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';
import { now, succeeded } from '../../../support/stages.ts';

const budgeted = pipelineOf(`${fourStages}budget: {hours: 2}`);
const hours = (pipeline: R1Pipeline, names: readonly string[], each: number): R1Stage[] =>
  succeeded(pipeline, [...names], { runSeconds: each * 3600, gpuHours: each * 8 });
const decide = (pipeline: R1Pipeline, stages: readonly R1Stage[]) =>
  decidePipeline({ now, pipeline, stages, maxRunningStages: 1 }).status;
const told = (status: R1Pipeline['status']): R1Pipeline => ({ ...budgeted, status });

test('what stages have spent that run again counts in the budget of their pipeline', () => {
  const first = decide(budgeted, hours(budgeted, ['pretrained', 'zero'], 0.9));
  expect(first).toMatchObject({ runSeconds: 6480, gpuHours: 14.4 });
  // The second is gone, and made anew.
  const second = decide(told(first), hours(budgeted, ['pretrained'], 0.9));
  expect(second).toMatchObject({ runSeconds: 6480, formerSpending: { runSeconds: 3240, gpuHours: 7.2 } });
  const [pretrained, zero] = hours(budgeted, ['pretrained', 'zero'], 0.9);
  const again = { ...zero!, metadata: { ...zero!.metadata, uid: 'another0-0000-4000-8000-000000000000' } };
  const third = decide(told(second), [pretrained!, again]);
  expect(third).toMatchObject({ runSeconds: 9720, formerSpending: { runSeconds: 3240, gpuHours: 7.2 } });
  expect(third.conditions[0]).toMatchObject({ reason: 'BudgetExhausted', message: 'the budget of 2 hours is spent' });
});

test('nothing that is gone is counted twice', () => {
  const status = decide(budgeted, hours(budgeted, ['pretrained', 'zero'], 0.5));
  const gone = decide(told(status), []);
  expect(decide(told(gone), [])).toMatchObject({ runSeconds: 3600, formerSpending: { runSeconds: 3600 } });
  expect(formerSpending(gone, [])).toEqual(formerSpending(told(gone).status, []));
});
