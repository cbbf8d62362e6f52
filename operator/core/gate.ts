import type { GateDecision } from '../api/pipeline.ts';
import type { Gate, PipelineStage } from '../api/pipeline-stage.ts';
import { formatNumber } from '../api/display.ts';
import { timestamp } from './attempts.ts';
import { digestOf } from './names.ts';

/** The result of a finished stage, as far as gates look at it. */
export interface Judged {
  readonly metrics: Readonly<Record<string, number>>;
  /** Of its checkpoint; another result is judged anew. */
  readonly digest: string | undefined;
}

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
  approved: boolean,
  rollbackTo: string | undefined,
  now: number,
): GateDecision {
  const { gate } = stage;
  const digest = digestOf({ gate, judged: result.digest, other: other?.digest });
  if (known?.digest === digest && !(known.action === 'Waiting' && approved)) return known;

  const value = result.metrics[gate.metric];
  const { expected, passed } = compareWithBound(gate, value, other);
  const found = value === undefined ? `${gate.metric} was not measured` : `${gate.metric} is ${formatNumber(value)}`;
  const base = {
    stage: stage.name,
    metric: gate.metric,
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
    return approved ? followed('Approved', '; a person approved it') : followed('Waiting', '; waits for approval');
  }
  if (gate.onFailure === 'Rollback') {
    const instead = rollbackTo === undefined ? 'the model that it started from' : `the model of ${rollbackTo}`;
    const decision = followed('RolledBack', `; ${instead} is used instead`);
    return rollbackTo === undefined ? decision : { ...decision, uses: rollbackTo };
  }
  return followed('Stopped', '');
}

function compareWithBound(
  gate: Gate,
  value: number | undefined,
  other: Judged | undefined,
): { expected: string; passed: boolean } {
  if (gate.atLeast !== undefined) {
    return { expected: `at least ${formatNumber(gate.atLeast)}`, passed: value !== undefined && value >= gate.atLeast };
  }
  if (gate.atMost !== undefined) {
    return { expected: `at most ${formatNumber(gate.atMost)}`, passed: value !== undefined && value <= gate.atMost };
  }
  const { stage = '', by = 0 } = gate.notBelow ?? {};
  const theirs = other?.metrics[gate.metric];
  if (theirs === undefined) return { expected: `not below ${stage}, which did not measure it`, passed: false };
  const tolerance = by === 0 ? '' : ` − ${formatNumber(by)}`;
  return {
    expected: `at least ${formatNumber(theirs)}${tolerance} (${stage})`,
    passed: value !== undefined && value >= theirs - by,
  };
}
