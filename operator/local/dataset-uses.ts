import type { DatasetSettings } from '../../trainer/contract/settings/dataset.ts';
import type { DatasetUse, Rendering, RowNeed } from '../../trainer/contract/settings/file-check.ts';
import type { Path } from '../api/check/value-problem.ts';
import { type Json, list, object } from './lenient.ts';

/**
 * Where stages name a dataset, and what its rows must have for them. Rows of the general domain need no answer.
 *
 * @param spec of a pipeline, which may have faults
 * @param renderingOf what a stage puts rows in, where it is known
 */
export function datasetUses(
  { stages, defaults }: Json,
  { name, domain }: DatasetSettings,
  renderingOf: (stage: number) => Rendering | undefined,
): DatasetUse[] {
  const graded = domain !== 'general';
  const uses = (within: Json, path: Path, type: string, field: string, need: RowNeed, heldOut = false): DatasetUse[] =>
    list(object(within[type])[field]).flatMap((found, index) =>
      found === name ? [{ path: [...path, type, field, index], need, heldOut }] : [],
    );
  const ofStages = list(stages).flatMap((value, index) => {
    const stage = object(value);
    const path = ['spec', 'stages', index];
    const grpo = object(stage['grpo']);
    const guard = object(grpo['guard']);
    const verifies = (guard['rewardModel'] ?? guard['judge']) === undefined;
    const rewarded = list(grpo['rewards']).some((reward) => object(reward)['accuracy'] !== undefined);
    const { keep = ['correct'] } = object(stage['sample']);
    const rendering = renderingOf(index);
    const rendered = [
      ...uses(stage, path, 'pretrain', 'data', 'completion'),
      ...uses(stage, path, 'sft', 'data', 'completion'),
      ...uses(stage, path, 'rewardModel', 'pairs', 'pair'),
      ...uses(stage, path, 'rewardModel', 'labelled', 'label'),
      ...uses(stage, path, 'grpo', 'prompts', 'prompt'),
      ...uses(stage, path, 'sample', 'prompts', 'prompt'),
    ];
    return [
      ...rendered.map((use) => ({ ...use, ...(rendering && { rendering }) })),
      ...(graded && rewarded ? uses(stage, path, 'grpo', 'prompts', 'answer') : []),
      ...(graded && list(keep).includes('correct') ? uses(stage, path, 'sample', 'prompts', 'answer') : []),
      ...(graded ? uses(stage, path, 'evaluation', 'data', 'answer', true) : []),
      ...(graded ? uses(stage, path, 'evaluate', 'data', 'answer', true) : []),
      ...(graded && verifies ? uses(grpo, [...path, 'grpo'], 'guard', 'data', 'answer', true) : []),
    ];
  });
  const ofDefaults = uses(object(defaults), ['spec', 'defaults'], 'evaluation', 'data', 'answer', true);
  return [...ofStages, ...(graded ? ofDefaults : [])];
}
