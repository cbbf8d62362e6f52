import type { Reason } from '../../api/resources/conditions.ts';
import { endingStages, liveReason } from './live-stages.ts';
import type { Verdict } from './pipeline-decision.ts';
import type { PipelineSituation } from './pipeline-situation.ts';

export function failForProblem(situation: PipelineSituation): Verdict | undefined {
  const { problem } = situation.observed;
  return problem === undefined ? undefined : failOnceQuiet(situation, 'UserError', problem);
}

export function failWithFailedStage(situation: PipelineSituation): Verdict | undefined {
  // One that was corrected is tried again once its inputs, which somebody may have deleted, are made again.
  const failed = situation.views.find(
    ({ succeeded, isCorrected, desired }) => succeeded?.status === 'False' && !(isCorrected && desired === undefined),
  );
  if (failed?.succeeded === undefined) return undefined;
  const message = `stage ${failed.stage.name} failed (${failed.succeeded.reason}): ${failed.succeeded.message}`;
  return failOnceQuiet(situation, 'StageFailed', message);
}

export function failAtClosedGate(situation: PipelineSituation): Verdict | undefined {
  const closed = situation.views.find(({ gate }) => gate?.action === 'Stopped');
  if (closed?.gate === undefined) return undefined;
  return failOnceQuiet(
    situation,
    'GateFailed',
    `the gate of stage ${closed.stage.name} failed: ${closed.gate.message}`,
  );
}

/** What it would learn from is not what it was written for: it is refused before it spends anything. */
export function failAtClosedEntry(situation: PipelineSituation): Verdict | undefined {
  for (const { stage, desired, entry } of situation.views) {
    if (desired === undefined || entry.kind !== 'closed') continue;
    const message = `stage ${stage.name} is not started: ${entry.message}`;
    return failOnceQuiet(situation, 'RequirementNotMet', message);
  }
  return undefined;
}

/** Stages that still run may end; the pipeline has failed when they have. */
function failOnceQuiet(situation: PipelineSituation, reason: Reason, message: string): Verdict {
  const ending = endingStages(situation);
  if (ending.length === 0) return { status: 'False', reason, message };
  return {
    status: 'Unknown',
    reason: liveReason(situation),
    message: `${message}; ${ending.join(', ')} may still end`,
  };
}
