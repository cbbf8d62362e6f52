import { attemptsIn, runs, type AttemptReality } from './reality.ts';
import { holds, ownerOf, placeOf, type Pipeline, type Snapshot, type Stage } from './objects.ts';

export const kinds = [
  'duplicate',
  'surplus pod',
  'orphan',
  'wrong state',
  'missed transition',
  'wrong checkpoint',
  'stuck',
] as const;
export type ClaimKind = (typeof kinds)[number];

/** Something that must not be so, or not for long. */
export interface Claim {
  readonly kind: ClaimKind;
  /** Equal as long as it is about the same. */
  readonly what: string;
}

/** What a stage may say of itself while its newest attempt is at this; nothing: anything that is not listed elsewhere. */
const saidWhile: Readonly<Record<AttemptReality['state'], readonly string[]>> = {
  running: ['Running', 'Stopping'],
  succeeded: ['Succeeded'],
  failed: ['Retrying', 'Failed'],
  pending: [
    'Pending',
    'Queued',
    'Unschedulable',
    'ImageUnavailable',
    'VolumeUnavailable',
    'SecretUnavailable',
    'Stopping',
  ],
};
const outcomes: Readonly<Record<AttemptReality['state'], readonly string[]>> = {
  running: ['Running'],
  succeeded: ['Succeeded'],
  failed: ['Failed', 'Interrupted'],
  pending: ['Pending'],
};

/** Everything in which statuses and reality differ now, and what must not be there. */
export function claimsOf(snapshot: Snapshot): Claim[] {
  const attempts = attemptsIn(snapshot);
  return [
    ...twins(snapshot),
    ...orphans(snapshot, attempts),
    ...snapshot.stages.flatMap((stage) => ofStage(stage, attempts.get(stage.metadata.uid) ?? [])),
    ...snapshot.pipelines.flatMap((pipeline) => ofPipeline(pipeline, stagesOf(pipeline, snapshot))),
  ];
}

function twins({ pods }: Snapshot): Claim[] {
  const running = Map.groupBy(
    pods.filter((pod) => placeOf(pod).isTrainer && runs(pod)),
    (pod) => placeOf(pod).stage,
  );
  return [...running]
    .filter(([, { length }]) => length > 1)
    .map(([stage, list]) => {
      const attempts = new Set(list.map((pod) => placeOf(pod).attempt));
      const kind = attempts.size > 1 ? 'duplicate' : 'surplus pod';
      return claim(kind, `trainers of stage ${stage} at once: ${list.map(nameOf).join(', ')}`);
    });
}

function orphans({ pipelines, stages, jobs, pods }: Snapshot, attempts: Map<string, AttemptReality[]>): Claim[] {
  const known = new Set([...pipelines, ...stages, ...jobs].map(({ metadata }) => metadata.uid));
  const owned = [
    ...stages.map((each) => [each, ownerOf(each, 'R1Pipeline')] as const),
    ...jobs.map((each) => [each, placeOf(each).stage] as const),
    ...pods.map((each) => [each, ownerOf(each, 'Job')] as const),
  ];
  const left = owned.filter(([, owner]) => owner === undefined || !known.has(owner)).map(([object]) => object);
  const samplers = jobs.filter((job) => {
    const { stage, attempt, isTrainer } = placeOf(job);
    const learner = attempts.get(stage)?.find(({ number }) => number === attempt);
    return !isTrainer && (learner?.state === 'succeeded' || learner?.state === 'failed');
  });
  return [...new Set([...left, ...samplers])].map((object) =>
    claim('orphan', `${nameOf(object)} ${object.metadata.uid}`),
  );
}

function ofStage(stage: Stage, attempts: readonly AttemptReality[]): Claim[] {
  const { status, metadata, spec } = stage;
  const state = status?.display?.state ?? 'Pending';
  const newest = attempts.at(-1);
  const claims: Claim[] = [];
  const add = (kind: ClaimKind, says: string): void =>
    void claims.push(claim(kind, `stage ${metadata.name} ${metadata.uid}: ${says}`));

  const isTrue =
    newest === undefined ? !['Running', 'Succeeded'].includes(state) : saidWhile[newest.state].includes(state);
  if (!isTrue)
    add('wrong state', `says ${state}, attempt ${newest?.number ?? 'none'} is ${newest?.state ?? 'not there'}`);
  for (const { number, state: reality } of attempts) {
    const told = status?.attempts?.find((each) => each.number === number)?.outcome;
    if (told === undefined || !outcomes[reality].includes(told)) {
      add('missed transition', `attempt ${number} is ${reality}, and recorded as ${told ?? 'nothing'}`);
    }
  }
  for (const { number } of status?.attempts ?? []) {
    if (!attempts.some((each) => each.number === number)) add('missed transition', `attempt ${number} never was`);
  }
  if (newest?.state === 'succeeded' && status?.checkpoint?.digest !== newest.digest) {
    add('wrong checkpoint', `has ${status?.checkpoint?.digest}, its trainer named ${newest.digest} (${spec.stage})`);
  }
  return claims;
}

function ofPipeline(pipeline: Pipeline, stages: readonly Stage[]): Claim[] {
  const { metadata, spec, status } = pipeline;
  const claims: Claim[] = [];
  const add = (kind: ClaimKind, says: string): void =>
    void claims.push(claim(kind, `pipeline ${metadata.name} ${metadata.uid}: ${says}`));

  const succeeded = stages.filter(({ status: of }) => of?.display?.state === 'Succeeded').length;
  const [state, all] = [status?.display?.state ?? 'Pending', spec.stages.length];
  const progress = `${succeeded}/${all}`;
  if (status?.display !== undefined && status.display.progress !== progress) {
    add('wrong state', `says ${status.display.progress}, ${progress} have succeeded`);
  }
  if ((state === 'Succeeded') !== (succeeded === all)) add('wrong state', `says ${state}, ${progress} have succeeded`);
  const failed = stages.some(({ status: of }) => of?.display?.state === 'Failed');
  if (failed !== (state === 'Failed')) add('wrong state', `says ${state}, a stage has ${failed ? '' : 'not '}failed`);
  for (const stage of stages) {
    const told = status?.stages?.find(({ name }) => name === stage.spec.stage)?.state;
    const is = stage.status?.display?.state ?? 'Pending';
    if (told !== is) add('wrong state', `says of ${stage.spec.stage} ${told}, which is ${is}`);
    const { input } = stage.spec.model ?? {};
    const maker = stages.find((each) => each.spec.stage === input?.stage);
    if (input !== undefined && maker?.status?.checkpoint?.digest !== input.digest) {
      add('wrong checkpoint', `${stage.spec.stage} reads ${input.digest} of ${input.stage}, which has another`);
    }
  }
  return claims;
}

/** Whether nothing more is to come of it. */
export function hasEnded({ status }: Pipeline): boolean {
  return holds(status?.conditions, 'Succeeded') || holds(status?.conditions, 'Failed');
}

function stagesOf({ metadata }: Pipeline, { stages }: Snapshot): Stage[] {
  return stages.filter((stage) => ownerOf(stage, 'R1Pipeline') === metadata.uid);
}

function nameOf({ metadata }: { readonly metadata: { readonly name: string } }): string {
  return metadata.name;
}

function claim(kind: ClaimKind, what: string): Claim {
  return { kind, what };
}
