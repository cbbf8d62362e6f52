import { expect, test } from '@jest/globals';
import {
  appliedPolicies,
  type ShapedStage,
  withoutPolicy,
} from '../../../../trainer/contract/settings/preference-policy.ts';

const policy = { name: 'kind/1', text: 'Prefer what is kind.' };
const other = { name: 'terse/1', text: 'Prefer what is short.' };

function stage(name: string, settings: object = {}, ...uses: string[]): ShapedStage {
  return { name, settings: { ...settings }, uses };
}

const judged = { sample: { pairs: { judge: { preferencePolicy: policy } } } };

test.each([
  { name: 'no preferences', stages: [stage('base'), stage('sft', {}, 'base')], applied: [], undeclared: [] },
  {
    name: 'from pairs over a reward model to what it scored, and on',
    stages: [
      stage('base'),
      stage('pairs', judged, 'base'),
      stage('helpful', { rewardModel: { pairs: ['pairs'], preferencePolicy: policy } }, 'base', 'pairs'),
      stage('zero', { grpo: { rewards: [{ accuracy: {} }] } }, 'base'),
      stage('r1', { grpo: { rewards: [{ rewardModel: { from: 'helpful' } }] } }, 'base', 'helpful'),
      stage('distilled', {}, 'r1'),
    ],
    applied: [{ policy, declaredBy: ['pairs', 'helpful'], shaped: ['r1', 'distilled'] }],
    undeclared: [],
  },
  {
    name: 'two policies in one stage, of settings without their type',
    stages: [
      stage('r1', { rewards: [{ judge: { preferencePolicy: policy } }, { judge: { preferencePolicy: other } }] }),
    ],
    applied: [
      { policy, declaredBy: ['r1'], shaped: [] },
      { policy: other, declaredBy: ['r1'], shaped: [] },
    ],
    undeclared: [],
  },
  {
    name: 'from a judge of rows to what learned them',
    stages: [
      stage('liked', { sample: { judge: { preferencePolicy: policy } } }),
      stage('sft', { sft: { data: ['liked'] } }, 'liked'),
    ],
    applied: [{ policy, declaredBy: ['liked'], shaped: ['sft'] }],
    undeclared: [],
  },
  {
    name: 'preferences by no policy',
    stages: [
      stage('helpful', { pairs: ['bought'] }),
      stage('r1', { rewards: [{ judge: { from: 'base' } }, { judge: { preferencePolicy: policy } }] }),
    ],
    applied: [{ policy, declaredBy: ['r1'], shaped: [] }],
    undeclared: ['helpful', 'r1'],
  },
  {
    name: 'something else in its place',
    stages: [stage('helpful', { rewardModel: { pairs: ['x'], preferencePolicy: 'kind' } }), stage('r1', { grpo: 3 })],
    applied: [],
    undeclared: ['helpful'],
  },
])('$name', ({ stages, applied, undeclared }) => {
  expect(appliedPolicies(stages)).toEqual(applied);
  expect(withoutPolicy(stages)).toEqual(undeclared);
});
