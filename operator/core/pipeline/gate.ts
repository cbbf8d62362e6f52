import type { GateDecision } from '../../api/resources/pipeline.ts';
import { withoutDefaults } from '../../../trainer/contract/settings/without-defaults.ts';
import { gate as gateSchema, type Gate, type PipelineStage } from '../../api/resources/pipeline-stage.ts';
import { formatNumber } from '../../api/display.ts';
import type { Approval } from './approval.ts';
import { timestamp } from '../attempts.ts';
import { compareWithBound, figuresBehind } from './gate-bound.ts';
import { digestOf } from '../names.ts';

/** The result of a finished stage, as far as gates look at it. */
export interface Judged {
  readonly metrics: Readonly<Record<string, number>>;
  /** Of its checkpoint; another result, or another figure of the same one, is judged anew. */
  readonly digest: string | undefined;
}

const askedOf = withoutDefaults(gateSchema);

/**
 * Compares a stage's result with its gate. A decision is made once for a result and kept, except that a waiting one
 * changes when a person approves.
 *
 * @param other the result of `notBelow.stage`
 * @param known the decision in the status
 * @param rollbackTo the stage whose model is used after a rollback; the stage's own start when absent
 */
export function judgeGate(
  stage: PipelineStage & { gate: Gate },
  result: Judged,
  other: Judged | undefined,
  known: GateDecision | undefined,
  approval: Approval | undefined,
  rollbackTo: string | undefined,
  now: number,
): GateDecision {
  const { gate } = stage;
  const figures = figuresOf(gate).flatMap((name) => [result.metrics[name], other?.metrics[name]]);
  const digest = digestOf({ gate: askedOf(gate), judged: result.digest, other: other?.digest, figures });
  if (known?.digest === digest && !(known.action === 'Waiting' && approval)) return known;

  if (gate.approval) return awaitPerson(stage.name, gate, result, digest, approval, now);

  const { metric = '' } = gate;
  const value = result.metrics[metric];
  const { found, expected, passed } = compareWithBound(gate, metric, result.metrics, other?.metrics);
  const base = {
    stage: stage.name,
    metric,
    ...(value === undefined ? {} : { value }),
    expected,
    passed,
    digest,
    time: timestamp(now),
  };
  if (passed) return { ...base, action: 'Passed', message: `${found}, ${expected} was asked` };

  const failure = `${found}, ${expected} was asked`;
  const followed = (action: GateDecision['action'], what: string): GateDecision => ({
    ...base,
    action,
    message: `${failure}${what}`,
  });
  if (gate.onFailure === 'Continue') return followed('Continued', '; goes on all the same');
  if (gate.onFailure === 'Wait') {
    return approval === undefined
      ? followed('Waiting', '; waits for approval')
      : { ...followed('Approved', `; ${inWords(approval)}`), ...givenBy(approval) };
  }
  if (gate.onFailure === 'Rollback') {
    const instead = rollbackTo === undefined ? 'the model that it started from' : `the model of ${rollbackTo}`;
    const decision = followed('RolledBack', `; ${instead} is used instead`);
    return rollbackTo === undefined ? decision : { ...decision, uses: rollbackTo };
  }
  return followed('Stopped', '');
}

/** What a gate looks at. */
function figuresOf({ metric, confidence, minPrompts }: Gate): string[] {
  if (metric === undefined) return [];
  const { error, prompts, unscored } = figuresBehind(metric);
  const ofPrompts = confidence === undefined && minPrompts === undefined ? [] : [prompts];
  return [metric, ...(confidence === undefined ? [] : [error]), ...ofPrompts, unscored];
}

/** A gate without a bound: a person looks at the result, and at the metric if one is named. */
function awaitPerson(
  stage: string,
  { metric }: Gate,
  { metrics }: Judged,
  digest: string,
  approval: Approval | undefined,
  now: number,
): GateDecision {
  const value = metric === undefined ? undefined : metrics[metric];
  const found = value === undefined ? '' : `${metric} is ${formatNumber(value)}; `;
  return {
    stage,
    ...(metric === undefined ? {} : { metric }),
    ...(value === undefined ? {} : { value }),
    expected: 'approval of a person',
    passed: approval !== undefined,
    action: approval === undefined ? 'Waiting' : 'Approved',
    ...givenBy(approval),
    message: `${found}${approval === undefined ? 'waits for approval' : inWords(approval)}`,
    digest,
    time: timestamp(now),
  };
}

function inWords({ by, because }: Approval): string {
  const who = by === undefined ? 'a person approved it' : `approved by ${by}`;
  return because === undefined ? who : `${who}: ${because.slice(0, longestReason)}`;
}

/** Characters of a reason that are kept. */
const longestReason = 300;

function givenBy(approval: Approval | undefined): Pick<GateDecision, 'approvedBy' | 'because'> {
  const { by, because } = approval ?? {};
  return {
    ...(by !== undefined && { approvedBy: by.slice(0, 300) }),
    ...(because !== undefined && { because: because.slice(0, longestReason) }),
  };
}
