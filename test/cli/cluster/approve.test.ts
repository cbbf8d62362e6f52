import { expect, test } from '@jest/globals';
import { approval, approvedInWords } from '../../../cli/cluster/approve.ts';
import { waitingGates } from '../../../cli/waiting-gates.ts';
import { annotations } from '../../../operator/api/resources/metadata.ts';
import type { GateDecision, R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import { requireOpenGate } from '../../../operator/core/pipeline/approval.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';

const spec = fourStages
  .replace('pretrain: {data: [sums], steps: 3}}', 'pretrain: {data: [sums], steps: 3}, gate: {approval: true}}')
  .replace('{accuracy: {}}]}}', '{accuracy: {}}]}, gate: {metric: reward, atLeast: 1, onFailure: Wait}}')
  .replace('sft: {data: [samples]}}', 'sft: {data: [samples]}, gate: {metric: eval/pass@1, atLeast: 1}}');

const said = { 'approved-because.r1.dev/zero': 'it will do' };

interface Situation {
  /** What the annotation says. */
  readonly approved?: string;
  /** What became of the gate of zero. */
  readonly action?: GateDecision['action'];
  readonly failed?: true;
  readonly suspended?: true;
}

function pipelineIn({ approved, action, failed, suspended }: Situation): R1Pipeline {
  const pipeline = pipelineOf(spec);
  const message = `reward is 0.5, at least 1 was asked${action === 'Waiting' ? '; waits for approval' : ''}`;
  const common = { stage: 'zero', metric: 'reward', value: 0.5, expected: 'at least 1', passed: false };
  const time = '2026-01-01T00:00:00.000Z';
  const gates = action === undefined ? [] : [{ ...common, action, message, digest: 'd', time }];
  const ended = {
    type: 'Succeeded',
    status: 'False',
    reason: 'StageFailed',
    message: '',
    lastTransitionTime: time,
  } as const;
  return {
    ...pipeline,
    spec: { ...pipeline.spec, suspend: suspended === true },
    metadata: {
      ...pipeline.metadata,
      annotations: approved === undefined ? {} : { [annotations.approved]: approved, ...said },
    },
    status: { conditions: failed ? [ended] : [], gates, stages: [], runSeconds: 0, gpuHours: 0 },
  };
}

test.each<Situation & { name: string; becomes?: string; says: string }>([
  {
    name: 'a gate that waits',
    action: 'Waiting',
    becomes: 'zero',
    says: 'test: the gate of zero is approved; the pipeline goes on',
  },
  {
    name: 'a gate that waits, beside one that was approved',
    approved: 'pretrained',
    action: 'Waiting',
    becomes: 'pretrained,zero',
    says: 'test: the gate of zero is approved; the pipeline goes on',
  },
  {
    name: 'a gate that is not reached yet',
    becomes: 'zero',
    says: 'test: the gate of zero is approved; it will not wait when the stage has succeeded',
  },
  {
    name: 'a gate that is approved, and the operator has not looked',
    approved: ' pretrained , zero ',
    action: 'Waiting',
    says: 'test: the gate of zero is approved; the pipeline goes on',
  },
  {
    name: 'a gate that was approved',
    approved: 'zero',
    action: 'Approved',
    says: 'test: the gate of zero was approved before',
  },
  {
    name: 'a gate of a suspended pipeline',
    action: 'Waiting',
    suspended: true,
    becomes: 'zero',
    says: 'test: the gate of zero is approved; the pipeline is suspended, and goes on once it is resumed',
  },
])('approves $name', ({ becomes, says, ...situation }) => {
  const before = pipelineIn(situation);
  const because = 'it will do';
  requireOpenGate(before, 'zero', because);
  const patch = approval(before, 'zero', { because });
  expect(patch).toEqual(becomes && { metadata: { annotations: { [annotations.approved]: becomes, ...said } } });
  const after = pipelineIn({ ...situation, ...(becomes && { approved: becomes }) });
  expect(approvedInWords(after, 'zero')).toBe(says);
  expect(approval(after, 'zero', { because })).toBeUndefined();
});

test('an approval carries the name of whoever gives it', () => {
  expect(approval(pipelineIn({ action: 'Waiting' }), 'zero', { by: 'alice' })).toEqual({
    metadata: { annotations: { [annotations.approved]: 'zero', 'approved-by.r1.dev/zero': 'alice' } },
  });
});

test.each([undefined, ' '])('refuses to go on without what a bound asks, because of %j', (because) => {
  expect(() => requireOpenGate(pipelineIn({ action: 'Waiting' }), 'zero', because)).toThrow(
    "the gate of zero has a bound; found no reason to go on without it, expected one: --because 'REASON'",
  );
  expect(() => requireOpenGate(pipelineIn({}), 'pretrained', because)).not.toThrow();
});

test('gives the reason that an approval lacks', () => {
  const { metadata, ...pipeline } = pipelineIn({ action: 'Waiting' });
  const unsaid = { ...pipeline, metadata: { ...metadata, annotations: { [annotations.approved]: 'zero' } } };
  expect(approval(unsaid, 'zero', { because: 'it will do' })).toEqual({
    metadata: { annotations: { [annotations.approved]: 'zero', ...said } },
  });
});

test.each<Situation & { stage: string; says: string }>([
  { stage: 'nope', says: 'pipeline test: found no stage "nope"; expected one of pretrained, zero' },
  { stage: 'samples', says: 'pipeline test: found no gate at samples; expected one of pretrained, zero' },
  {
    stage: 'student',
    says: 'pipeline test: found a gate at student that asks no person (onFailure: Stop); expected one of pretrained, zero',
  },
  ...(['Passed', 'Stopped', 'RolledBack'] as const).map((action) => ({
    stage: 'zero',
    action,
    says: `pipeline test: the gate of zero was decided before (${action}): reward is 0.5, at least 1 was asked`,
  })),
])('refuses $stage where its gate is $action', ({ stage, says, ...situation }) => {
  expect(() => requireOpenGate(pipelineIn(situation), stage, 'it will do')).toThrow(says);
});

test('refuses where no gate waits for a person', () => {
  const plain = pipelineOf(fourStages);
  expect(() => requireOpenGate(plain, 'zero', undefined)).toThrow(
    'pipeline test: found no gate at zero; none of its gates waits for a person',
  );
});

test.each<Situation & { name: string; says: string[] }>([
  {
    name: 'waits',
    action: 'Waiting',
    says: [
      "test: gate of zero: reward is 0.5, at least 1 was asked; waits for approval: kubectl r1 approve -n team test zero --because 'REASON'",
    ],
  },
  {
    name: 'was approved since',
    action: 'Waiting',
    approved: 'zero',
    says: ['test: the gate of zero is approved; the operator goes on'],
  },
  { name: 'waits in a pipeline that has failed', action: 'Waiting', failed: true, says: [] },
  { name: 'is not reached yet', approved: 'zero', says: [] },
  { name: 'was approved', action: 'Approved', approved: 'zero', says: [] },
  { name: 'has passed', action: 'Passed', says: [] },
])('get says of a gate that $name what opens it', ({ says, ...situation }) => {
  expect(waitingGates(pipelineIn(situation), 'kubectl r1 approve -n team test', 'the operator')).toEqual(says);
});
