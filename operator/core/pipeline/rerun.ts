import { annotations, approvedBecausePrefix, approvedByPrefix } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { heldInWords } from '../deletion.ts';
import { approvedStages, namesIn } from './approval.ts';
import type { Verdict } from './pipeline-decision.ts';
import type { PipelineSituation } from './pipeline-situation.ts';
import { stagesAfter } from './plan.ts';

/**
 * A person wants stages and all that use what they give to run again. Their objects are deleted, then the wish is
 * taken back, and only then are stages created anew: repeating any of it after a crash does no more than it should.
 */
export function runStagesAgain({ pipeline, observed }: PipelineSituation): Verdict | undefined {
  const firsts = rerunWishes(pipeline);
  if (firsts.length === 0 || unknownWish(pipeline) !== undefined) return undefined;
  const affected = stagesAfter(pipeline, firsts);
  const verdict = {
    status: 'Unknown',
    reason: 'RunningAgain',
    message: `runs again from stage ${firsts.join(' and ')} on: ${affected.join(', ')}`,
  } as const;

  const left = observed.stages.filter(({ spec }) => affected.includes(spec.stage));
  const names = left
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => metadata.name);
  if (names.length > 0) return { ...verdict, actions: [{ kind: 'DeleteStages', names }] };
  if (left.length > 0) return { ...verdict, message: [verdict.message, ...left.flatMap(heldUp)].join('; ') };
  return { ...verdict, actions: [{ kind: 'ClearRerun', annotations: withoutWish(pipeline, affected) }] };
}

function heldUp({ metadata }: R1Stage): string[] {
  const held = heldInWords(metadata);
  return held === undefined ? [] : [`R1Stage ${metadata.name}: ${held}`];
}

/** What is wrong with the wish, to follow a message. */
export function noteOnRerun(pipeline: R1Pipeline): string {
  const unknown = unknownWish(pipeline);
  if (unknown === undefined) return '';
  const known = pipeline.spec.stages.map(({ name }) => name).join(', ');
  return `; annotation ${annotations.rerunFrom}: found "${unknown}", expected a stage: ${known}`;
}

/** The stages that are to run again, as a person has named them. */
export function rerunWishes({ metadata }: R1Pipeline): string[] {
  return namesIn(metadata.annotations?.[annotations.rerunFrom]);
}

/** One misspelt name must not cost the work of the others. */
function unknownWish(pipeline: R1Pipeline): string | undefined {
  return rerunWishes(pipeline).find((name) => !pipeline.spec.stages.some((stage) => stage.name === name));
}

/** What a person approved were the results that are now made anew. */
function withoutWish(pipeline: R1Pipeline, affected: readonly string[]): Record<string, string | null> {
  const { metadata } = pipeline;
  const kept = approvedStages(pipeline).filter((each) => !affected.includes(each));
  const said = affected
    .flatMap((stage) => [`${approvedByPrefix}${stage}`, `${approvedBecausePrefix}${stage}`])
    .filter((key) => metadata.annotations?.[key]);
  return {
    [annotations.rerunFrom]: null,
    ...Object.fromEntries(said.map((key) => [key, null])),
    ...(metadata.annotations?.[annotations.approved] === undefined
      ? {}
      : { [annotations.approved]: kept.length === 0 ? null : kept.join(',') }),
  };
}
