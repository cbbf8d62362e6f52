import { UserError } from '../../../trainer/contract/process/errors.ts';
import { annotations, approvedBecausePrefix, approvedByPrefix } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { PipelineStage } from '../../api/resources/pipeline-stage.ts';

/** Stages whose gate a person has approved, by the annotation of their pipeline. */
export function approvedStages({ metadata }: R1Pipeline): string[] {
  return namesIn(metadata.annotations?.[annotations.approved]);
}

/** A person's word for a gate, as far as it is known whose. */
export interface Approval {
  readonly by?: string;
  /** Why, in their words. */
  readonly because?: string;
}

/** Nothing where nobody has approved the gate of a stage. */
export function approvalOf(pipeline: R1Pipeline, stage: string): Approval | undefined {
  if (!approvedStages(pipeline).includes(stage)) return undefined;
  const { annotations: given = {} } = pipeline.metadata;
  const by = given[`${approvedByPrefix}${stage}`] ?? approvedWith(pipeline);
  const because = given[`${approvedBecausePrefix}${stage}`];
  return { ...(by !== undefined && { by }), ...(because !== undefined && { because }) };
}

/** The word that opens the gate of a stage: to go on although a bound was not kept is an exception, which counts with its reason alone. */
export function openingApproval(
  pipeline: R1Pipeline,
  { name, gate }: Pick<PipelineStage, 'name' | 'gate'>,
): Approval | undefined {
  const approval = approvalOf(pipeline, name);
  return isException(gate) && approval?.because === undefined ? undefined : approval;
}

/** Whoever approves it lets pass what its bound would stop. */
function isException(gate: PipelineStage['gate']): boolean {
  return gate !== undefined && gate.approval === undefined;
}

/** The command that opens a gate. @param approve up to the stage, such as `r1 approve r1-tiny` */
export function approveCommand(approve: string, { name, gate }: Pick<PipelineStage, 'name' | 'gate'>): string {
  return `${approve} ${name}${isException(gate) ? " --because 'REASON'" : ''}`;
}

/** The program that set the approvals, where it said nobody's name; of all fields a shell tells of theirs alone. */
function approvedWith({ metadata }: R1Pipeline): string | undefined {
  const [entry] = (metadata['managedFields'] ?? []) as { readonly manager?: string; readonly time?: string }[];
  if (entry?.manager === undefined) return undefined;
  return `field manager ${entry.manager}${entry.time === undefined ? '' : ` at ${entry.time}`}`;
}

/**
 * The pipeline with approvals from elsewhere, beside those that its manifest brings along.
 *
 * @param approved by stage
 */
export function withApprovals(pipeline: R1Pipeline, approved: ReadonlyMap<string, Approval>): R1Pipeline {
  if (approved.size === 0) return pipeline;
  const { metadata } = pipeline;
  const all = [...new Set([...approvedStages(pipeline), ...approved.keys()])].join(',');
  const said = [...approved].flatMap(([stage, { by, because }]) => [
    ...(by === undefined ? [] : [[approvedByPrefix + stage, by]]),
    ...(because === undefined ? [] : [[approvedBecausePrefix + stage, because]]),
  ]);
  return {
    ...pipeline,
    metadata: {
      ...metadata,
      annotations: {
        ...metadata.annotations,
        [annotations.approved]: all,
        ...(Object.fromEntries(said) as Record<string, string>),
      },
    },
  };
}

/** The names in an annotation that lists them. */
export function namesIn(annotation = ''): string[] {
  return annotation
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/**
 * @param because why it is opened
 * @throws UserError when no person is asked at this gate, it has been decided, or it is an exception without a reason
 */
export function requireOpenGate(pipeline: R1Pipeline, stage: string, because: string | undefined): void {
  const { metadata, spec, status } = pipeline;
  const waiting = spec.stages.filter(({ gate }) => gate?.approval === true || gate?.onFailure === 'Wait');
  const names = waiting.map((each) => each.name);
  if (!names.includes(stage)) {
    const found = spec.stages.find((each) => each.name === stage);
    const what =
      found === undefined
        ? `found no stage "${stage}"`
        : found.gate === undefined
          ? `found no gate at ${stage}`
          : `found a gate at ${stage} that asks no person (onFailure: ${found.gate.onFailure})`;
    const known = names.length === 0 ? 'none of its gates waits for a person' : `expected one of ${names.join(', ')}`;
    throw new UserError(`pipeline ${metadata.name}: ${what}; ${known}`);
  }
  const decision = status?.gates.find((each) => each.stage === stage);
  if (decision !== undefined && !['Waiting', 'Approved'].includes(decision.action)) {
    throw new UserError(
      `pipeline ${metadata.name}: the gate of ${stage} was decided before (${decision.action}): ${decision.message}`,
    );
  }
  const asked = waiting.find(({ name }) => name === stage);
  const isNew = decision?.action !== 'Approved' && asked && openingApproval(pipeline, asked) === undefined;
  if (isNew && isException(asked.gate) && !because?.trim()) {
    throw new UserError(
      `pipeline ${metadata.name}: the gate of ${stage} has a bound; found no reason to go on without it, expected one: --because 'REASON'`,
    );
  }
}

/**
 * What follows from the approval of a gate, in words.
 *
 * @param goesOn what happens if it waits now
 */
export function afterApproval({ metadata, spec, status }: R1Pipeline, stage: string, goesOn: string): string {
  const action = status?.gates.find((each) => each.stage === stage)?.action;
  const gate = `${metadata.name}: the gate of ${stage}`;
  if (action === 'Approved') return `${gate} was approved before`;
  const then = spec.suspend ? 'the pipeline is suspended, and goes on once it is resumed' : goesOn;
  return `${gate} is approved; ${action === 'Waiting' ? then : 'it will not wait when the stage has succeeded'}`;
}
