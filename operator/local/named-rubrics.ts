import { preferencePolicy } from '../../trainer/contract/settings/preference-policy.ts';
import type { FileCheck } from '../../trainer/contract/settings/file-check.ts';
import { judgeShape } from '../../trainer/contract/settings/judge.ts';
import { type Json, list, object, text } from './lenient.ts';

/** The rubrics that a pipeline writes itself; what else is wrong with it does not hide them. */
export function namedRubrics({ stages }: Json): FileCheck['rubrics'] {
  return list(stages).flatMap((stage, at) => {
    const { grpo, sample } = object(stage);
    const path = ['spec', 'stages', at];
    const rewards = list(object(grpo)['rewards']).map((reward, index) => {
      const judge = object(object(reward)['judge']);
      return {
        path: [...path, 'grpo', 'rewards', index, 'judge'],
        judge,
        by: judgeShape.by.safeParse(judge['by']).data,
      };
    });
    const ofGuard = {
      path: [...path, 'grpo', 'guard', 'judge'],
      judge: object(object(object(grpo)['guard'])['judge']),
      by: 'score' as const,
    };
    const ofRows = {
      path: [...path, 'sample', 'judge'],
      judge: object(object(sample)['judge']),
      by: 'score' as const,
    };
    const judgeOfPairs = object(object(object(sample)['pairs'])['judge']);
    const ofPairs = { path: [...path, 'sample', 'pairs', 'judge'], judge: judgeOfPairs, by: 'comparison' as const };
    const judgeOfLabels = object(object(object(sample)['labels'])['judge']);
    const ofLabels = { path: [...path, 'sample', 'labels', 'judge'], judge: judgeOfLabels, by: 'score' as const };
    return [...rewards, ofGuard, ofRows, ofPairs, ofLabels].flatMap(({ path: where, judge, by }) => {
      const rubric = text(judge['rubric']);
      if (rubric === undefined || by === undefined) return [];
      const { data: policy } = preferencePolicy.safeParse(judge['preferencePolicy']);
      return [{ path: [...where, 'rubric'], rubric, by, ...(policy && { preferencePolicy: policy }) }];
    });
  });
}
