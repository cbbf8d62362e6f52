import { controlsOf } from '../../../trainer/contract/settings/settings.ts';
import { evaluationOf, trainedOn } from '../../api/evaluation-plan.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import { formatPath, problemAt, type ValueProblem } from '../../api/check/value-problem.ts';

/** Negative controls of stages that are measured on nothing that they could be compared in. */
export function controlProblems(pipeline: R1Pipeline): ValueProblem[] {
  return pipeline.spec.stages.flatMap((stage, index): ValueProblem[] => {
    const controlled = controlsOf(stage);
    if (controlled === undefined) return [];
    const learned = trainedOn(stage, pipeline);
    const heldOut = evaluationOf(stage, pipeline)?.data.filter((name) => !learned.includes(name)) ?? [];
    if (heldOut.length > 0) return [];
    const path = ['spec', 'stages', index, controlled.type, 'controls'];
    const expected =
      'an evaluation on held-out rows to compare them in: give a dataset heldOut, and the stage an evaluation';
    return [problemAt(path, 'no evaluation', expected)];
  });
}

/** The first of them, for one line. */
export function controlProblem(pipeline: R1Pipeline): string | undefined {
  const [first] = controlProblems(pipeline);
  return first && `${formatPath(first.path)}: ${first.message}`;
}
