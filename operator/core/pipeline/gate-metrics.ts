import { resultMetrics } from '../../../trainer/contract/settings/result-metrics.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { PipelineStage } from '../../api/resources/pipeline-stage.ts';
import { didYouMeanPartOf, nearest } from '../../api/check/suggestion.ts';
import { formatPath, problemAt, type ValueProblem } from '../../api/check/value-problem.ts';
import { evaluationOf, trainedOn } from '../../api/evaluation-plan.ts';
import { type BoundSettings, figuresBehind } from './gate-bound.ts';

/** A place where a metric is held against a bound, and the stages whose results must have it. */
interface Held extends Pick<BoundSettings, 'confidence' | 'minPrompts'> {
  readonly path: readonly (string | number)[];
  readonly metric: string;
  readonly of: readonly PipelineStage[];
}

/** Gates and requirements on a metric that the results they look at cannot have: they would stop a pipeline that has trained for hours. */
export function gateProblems(pipeline: R1Pipeline): ValueProblem[] {
  return heldMetrics(pipeline).flatMap(({ path, metric, confidence, minPrompts, of }): ValueProblem[] => {
    for (const judged of of) {
      const known = resultMetrics(judged, evaluationOf(judged, pipeline), trainedOn(judged, pipeline));
      const { error, prompts } = figuresBehind(metric);
      const needed = [
        ...(confidence === undefined ? [] : [error, prompts]),
        ...(minPrompts === undefined ? [] : [prompts]),
      ];
      if (known.includes(metric) && needed.some((name) => !known.includes(name))) {
        const field = confidence === undefined ? 'minPrompts' : 'confidence';
        return [problemAt([...path, field], `the metric ${metric}`, countedMetrics(known))];
      }
      if (known.includes(metric)) continue;
      return [problemAt([...path, 'metric'], `"${metric}"`, expected(judged, metric, known))];
    }
    return [];
  });
}

function heldMetrics({ spec: { stages } }: R1Pipeline): Held[] {
  const named = (name: string | undefined) => stages.filter((stage) => stage.name === name);
  return stages.flatMap((stage, index): Held[] => {
    const path = ['spec', 'stages', index];
    const { gate, requires = [] } = stage;
    const required = requires.map((each, at): Held => {
      return { ...each, path: [...path, 'requires', at], of: named(each.stage) };
    });
    if (gate?.metric === undefined) return required;
    const of = [stage, ...named(gate.notBelow?.stage)];
    return [...required, { ...gate, metric: gate.metric, path: [...path, 'gate'], of }];
  });
}

function countedMetrics(known: readonly string[]): string {
  const counted = known.filter((name) => {
    const { error, prompts } = figuresBehind(name);
    return known.includes(error) && known.includes(prompts);
  });
  const which = counted.length === 0 ? 'which none of the stage is' : counted.join(', ');
  return `one whose prompts are counted, with a standard error: ${which}`;
}

/** The first of them, for one line. */
export function gateProblem(pipeline: R1Pipeline): string | undefined {
  const [first] = gateProblems(pipeline);
  return first && `${formatPath(first.path)}: ${first.message}`;
}

const namesShown = 6;

function expected({ name }: Pick<PipelineStage, 'name'>, metric: string, known: readonly string[]): string {
  const meant = didYouMeanPartOf(metric, known);
  const needed = metric.startsWith('eval/') && !known.some((each) => each.startsWith('eval/'));
  const learned = known.some((each) => each.startsWith('eval_train/'));
  const near = nearest(metric, known, namesShown).join(', ');
  const all = known.length > namesShown ? `, … (all ${known.length}: docs/reference/metrics.md)` : '';
  const one = `a metric of the results of stage ${name}: ${near}${all}`;
  if (needed && learned) return `${one}; the rows that it is evaluated on are learned from: give its dataset heldOut`;
  if (needed) return `${one}; it is not evaluated: give it an evaluation, or spec.defaults.evaluation`;
  return meant === undefined ? one : `${one}; did you mean "${meant}"?`;
}
