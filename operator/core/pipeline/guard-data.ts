import { learnedWhole } from '../../api/evaluation-plan.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import { formatPath, problemAt, type ValueProblem } from '../../api/check/value-problem.ts';

/** Guards that would ask what the model has learned from: such a one never sees that it knows nothing else. */
export function guardProblems(pipeline: R1Pipeline): ValueProblem[] {
  return pipeline.spec.stages.flatMap((stage, index): ValueProblem[] => {
    const { data = [] } = stage.grpo?.guard ?? {};
    return learnedWhole(data, stage, pipeline).map((name) =>
      problemAt(
        ['spec', 'stages', index, 'grpo', 'guard', 'data', data.indexOf(name)],
        `"${name}", which is learned from`,
        'a dataset with held-out rows, or one that no stage learns from: give it heldOut',
      ),
    );
  });
}

/** The first of them, for one line. */
export function guardProblem(pipeline: R1Pipeline): string | undefined {
  const [first] = guardProblems(pipeline);
  return first && `${formatPath(first.path)}: ${first.message}`;
}
