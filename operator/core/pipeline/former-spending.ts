import type { PipelineStatus } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { total, type Spending } from '../attempts.ts';
import { runName } from '../names.ts';

/** As many as a status has room for: those of the manifest, and as many that left it. */
const mostStages = 64;

/**
 * What R1Stages of a pipeline have spent that are gone, to run again for instance. Their statuses went with them: it is known by what the
 * pipeline's said of each.
 *
 * @param stages those that there are
 */
export function formerSpending(status: PipelineStatus | undefined, stages: readonly R1Stage[]): Spending {
  const there = new Set(stages.map(runOf));
  const gone = (status?.spending ?? []).filter(({ run }) => !there.has(run));
  return total([...(status?.formerSpending === undefined ? [] : [status.formerSpending]), ...gone]);
}

/** What each has spent, as far as it has said, to whoever wrote the status before or now. */
export function spendingOfEach(
  status: PipelineStatus | undefined,
  stages: readonly R1Stage[],
): NonNullable<PipelineStatus['spending']> {
  const known = new Map(status?.spending?.map((each) => [each.run, each]));
  const each = stages.map((stage) => {
    const run = runOf(stage);
    const { runSeconds = 0, gpuHours = 0 } = stage.status ?? {};
    const before = known.get(run);
    return {
      run,
      runSeconds: Math.max(runSeconds, before?.runSeconds ?? 0),
      gpuHours: Math.max(gpuHours, before?.gpuHours ?? 0),
    };
  });
  return each.filter(({ runSeconds, gpuHours }) => runSeconds + gpuHours > 0).slice(0, mostStages);
}

function runOf({ metadata }: R1Stage): string {
  return runName(metadata.uid ?? metadata.name);
}
