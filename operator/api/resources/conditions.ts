import { z } from 'zod';
import { time } from './metadata.ts';

export const conditionTypes = ['Succeeded', 'Failed', 'Waiting', 'Suspended', 'Warned', 'DefinitionOutdated'] as const;
export type ConditionType = (typeof conditionTypes)[number];

/** What keeps an attempt from running. */
export const waitingReasons = [
  'Queued',
  'Unschedulable',
  'ImageUnavailable',
  'VolumeUnavailable',
  'SecretUnavailable',
  'Refused',
] as const;

/** Why a pipeline or stage is where it is; CamelCase, stable, read by machines. */
export const reasons = [
  'Pending',
  'StageRunning',
  'WaitingForInputs',
  'WaitingForApproval',
  'WaitingForPerson',
  'Completed',
  'StageFailed',
  'RunningAgain',
  'StageChanged',
  'GateFailed',
  'RequirementNotMet',
  'BudgetExhausted',
  'Suspended',
  'Active',
  'Interrupted',
  'AttemptPending',
  ...waitingReasons,
  'AttemptRunning',
  'AttemptStopping',
  'BackingOff',
  'UserError',
  'RetriesExhausted',
  'DeadlineExceeded',
  'InternalError',
] as const;
export type Reason = (typeof reasons)[number];

/** metav1.Condition. */
const condition = z.strictObject({
  type: z
    .string()
    .max(316)
    .describe('Succeeded, Failed, Waiting, Suspended, DefinitionOutdated or, on a stage, Warned.'),
  status: z
    .enum(['True', 'False', 'Unknown'])
    .describe('Of Succeeded, False is final: it will not change without a person.'),
  reason: z.string().max(1024).describe('Why, in one CamelCase word.'),
  message: z.string().max(32768).describe('Why, in words.'),
  lastTransitionTime: time.describe('When status last changed.'),
  observedGeneration: z.int().min(0).optional().describe('Generation of the spec that it is about.'),
});
export type Condition = z.infer<typeof condition>;

/** The `status.conditions` of a pipeline or stage, one of each type. */
export const statusConditions = z
  .array(condition)
  .max(16)
  .default([])
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .describe('Succeeded, and once they have held Failed, Waiting, Suspended, Warned and DefinitionOutdated.');

export interface NewCondition {
  readonly type: ConditionType;
  readonly status: Condition['status'];
  /** Of Warned the trainer's own word. */
  readonly reason: string;
  readonly message: string;
}

/** Puts a condition in its place; the transition time moves only when the status does. */
export function setCondition(
  conditions: readonly Condition[],
  next: NewCondition,
  now: number,
  observedGeneration: number | undefined,
): Condition[] {
  const old = conditions.find(({ type }) => type === next.type);
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : new Date(now).toISOString();
  const updated: Condition = {
    ...next,
    message: next.message.slice(0, 32768),
    lastTransitionTime,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
  return old === undefined
    ? [...conditions, updated]
    : conditions.map((each) => (each.type === next.type ? updated : each));
}

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: ConditionType,
): Condition | undefined {
  return conditions?.find((each) => each.type === type);
}

/** Of an object's `Succeeded` condition; Unknown as well before there is one. */
export function succeededStatus(conditions: readonly Condition[] | undefined): Condition['status'] {
  return findCondition(conditions, 'Succeeded')?.status ?? 'Unknown';
}
