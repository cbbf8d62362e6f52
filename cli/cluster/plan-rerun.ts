import { succeededStatus } from '../../operator/api/resources/conditions.ts';
import { annotations } from '../../operator/api/resources/metadata.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { stagesAfter } from '../../operator/core/pipeline/plan.ts';
import { rerunWishes } from '../../operator/core/pipeline/rerun.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';

/**
 * The stages that run again, each with what of it is thrown away.
 *
 * @param sure work may be thrown away
 * @throws UserError when one is no stage, an earlier wish waits, or work would be lost and nobody is sure
 */
export function planRerun(
  pipeline: R1Pipeline,
  stages: readonly R1Stage[],
  from: readonly string[],
  sure: boolean,
): string[] {
  const { metadata, spec } = pipeline;
  const names = spec.stages.map(({ name }) => name);
  const unknown = from.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new UserError(`pipeline ${metadata.name} has no stage "${unknown}"; known: ${names.join(', ')}`);
  }
  const waiting = rerunWishes(pipeline);
  const isGranted = waiting.every((name) => names.includes(name)) && waiting.some((name) => !from.includes(name));
  if (isGranted) {
    throw new UserError(
      `pipeline ${metadata.name}: found that it is about to run again from ${waiting.join(' and ')} on (${annotations.rerunFrom}), expected that this is done first`,
    );
  }
  const again = stagesAfter(pipeline, from).map((name) => {
    const work = workOf(stages.find(({ spec: { stage } }) => stage === name));
    return { name, work };
  });
  const lost = again.filter(({ work }) => work !== undefined).map(({ name, work }) => `${name} (${work})`);
  if (lost.length > 0 && !sure) {
    throw new UserError(
      `pipeline ${metadata.name}: to run again from ${from.join(' and ')} on throws away the work of ${lost.join(', ')}; --yes does it`,
    );
  }
  return again.map(({ name, work }) => (work === undefined ? name : `${name} (was ${work})`));
}

function workOf(stage: R1Stage | undefined): string | undefined {
  const { status } = stage ?? {};
  if (succeededStatus(status?.conditions) === 'True') return 'finished';
  const { step = 0, steps = 0 } = status?.progress ?? {};
  if (step > 0) return `at step ${step} of ${steps}`;
  return status?.attempts.at(-1)?.outcome === 'Running' ? 'begun' : undefined;
}
