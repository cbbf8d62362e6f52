import { tellsApart } from '../../../trainer/contract/digest-version.ts';
import { findCondition, succeededStatus } from '../../../operator/api/conditions.ts';
import { annotations } from '../../../operator/api/metadata.ts';
import { inputsOf, type R1Stage } from '../../../operator/api/stage.ts';
import { hasNotEnded } from '../../../operator/core/attempts.ts';
import { isChangedByHand } from '../../../operator/core/asked-for.ts';
import { exhausted } from '../../../operator/core/budget.ts';
import { runName } from '../../../operator/core/names.ts';
import { attemptDigest } from '../../../operator/core/settings-digest.ts';
import {
  configMaps,
  jobs,
  networkPolicies,
  pods,
  secrets,
  services,
  volumeClaims,
  type Job,
  type KubeObject,
  type Pod,
  type Stored,
  type StoredMetadata,
} from '../../../operator/kube/client/resources.ts';
import { attemptOf } from '../../../operator/kube/objects/attempt-job.ts';
import { attemptLabels, madeFromAnnotation } from '../../../operator/kube/objects/labels.ts';
import { isTrainer, ownerOf } from '../../../operator/kube/objects/ownership.ts';
import { stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { hasEnded, isOver, type Beginning, type Owned } from './cluster.ts';
import type { Write } from './operator-process.ts';
import { resultAskedFor } from './trainer-volume.ts';
import { heardOfMs, type World } from './world.ts';

/** Each says what is wrong, if anything is. */
type Truths<T extends readonly unknown[]> = Readonly<Record<string, (...of: T) => string | undefined>>;

/** A budget that is spent at this moment is noticed within so long, also by an operator that has just begun. */
const noticedMs = 10_000;

/** What holds after every write, whoever wrote. */
export const always: Truths<[World]> = {
  // What a queue has never let begin can go before anybody has written down that it was there.
  'an attempt has one Job that has had a pod, ever': ({ history }) => {
    const made = new Map<string, string>();
    const began = new Set<string | undefined>();
    const gone = new Set<string | undefined>();
    for (const { plural, type, object } of history) {
      const owner = (object as Owned).metadata.ownerReferences?.[0]?.uid;
      if (plural === pods.plural) began.add(owner);
      if (plural === stages.plural && type === 'DELETED') gone.add(object.metadata.uid);
      if (plural !== 'jobs' || type !== 'ADDED') continue;
      // What is made for a stage whose deletion was not heard of yet is collected with all that the stage had.
      if (gone.has(owner)) continue;
      const attempt = `${attemptIn(object.metadata)} ${object.metadata.labels?.[attemptLabels.component]}`;
      const other = made.get(attempt);
      if (other !== undefined && other !== object.metadata.uid && began.has(other))
        return `${object.metadata.name} was made twice`;
      made.set(attempt, object.metadata.uid);
    }
    return undefined;
  },
  'a stage has one attempt that has not ended': (world) => {
    const seen = new Map<string, string>();
    for (const job of world.store.all(jobs)) {
      if (!isTrainer(job) || !mayWrite(world, job)) continue;
      const uid = job.metadata.labels?.[attemptLabels.stageUid] ?? '';
      const other = seen.get(uid);
      if (other !== undefined) return `${other} and ${job.metadata.name} are both at work`;
      seen.set(uid, job.metadata.name);
    }
    return undefined;
  },
  'rollout workers come after their learner has begun': ({ history }) => {
    const begun = new Set<string>();
    for (const { plural, type, object } of history) {
      const pod = object as Stored<Pod>;
      if (plural === 'pods' && isTrainer(pod) && pod.status?.phase === 'Running') begun.add(attemptIn(object.metadata));
      if (plural !== 'jobs' || type !== 'ADDED' || isTrainer(object as Stored<Job>)) continue;
      if (!begun.has(attemptIn(object.metadata))) return object.metadata.name;
    }
    return undefined;
  },
  'everything has an owner': ({ store }) =>
    [...store.all(stages), ...store.all(jobs), ...store.all(configMaps)].find(
      ({ metadata }) => (metadata as R1Stage['metadata'])['ownerReferences'] === undefined,
    )?.metadata.name,
  'a claim that was to stay is there': ({ store, keptClaims }) => {
    const there = new Set(store.all(volumeClaims).map(({ metadata }) => metadata.uid));
    return [...keptClaims].find((uid) => !there.has(uid));
  },
  'a stage has succeeded with what its trainer was asked for': (world) => {
    for (const stage of world.store.all(stages)) {
      if (!isOwned(world, stage)) continue; // it follows its pipeline, as does the volume
      if (!saysSuccess(stage) || stage.status?.observedGeneration !== stage.metadata.generation) continue;
      const { checkpoint } = stage.status ?? {};
      const made = checkpoint && world.cluster.volume.checkpoints.get(`${stage.spec.stage}/${checkpoint.path}`);
      if (made?.digest !== checkpoint?.digest) return `${stage.metadata.name} names a checkpoint that is not there`;
      if (made?.madeWith !== resultAskedFor(stage) && !isChangedByHand(stage))
        return `${stage.metadata.name} has succeeded with other settings than it asks for`;
    }
    return undefined;
  },
  'no status goes back to what was so before': ({ history }) => {
    const { plural, type, object } = history.at(-1)!;
    if (plural !== stages.plural || type !== 'MODIFIED') return undefined;
    const { uid, name } = object.metadata;
    const before = history.findLast((each, at) => at < history.length - 1 && each.object.metadata.uid === uid);
    const [was, is] = [before?.object, object].map((each) => (each as Stored<R1Stage> | undefined)?.status);
    const ends = new Map(is?.attempts.map(({ number, outcome }) => [number, outcome]));
    const lost = was?.attempts.find((each) => !hasNotEnded(each) && ends.get(each.number) !== each.outcome);
    if (lost !== undefined) return `${name} has forgotten that attempt ${lost.number} has ${lost.outcome}`;
    const isOlder = (was?.observedGeneration ?? 0) > (is?.observedGeneration ?? 0);
    return isOlder ? `${name} speaks of generation ${is?.observedGeneration} again` : undefined;
  },
  'a pipeline is complete with what it asks for': (world) => {
    const { pipeline } = world;
    const { status, metadata } = pipeline;
    if (succeededStatus(status?.conditions) !== 'True' || status?.observedGeneration !== metadata.generation)
      return undefined;
    for (const { stage, object, desired } of world.survey().views) {
      // What somebody did to a stage since then is not known yet.
      if (object === undefined || object.status?.observedGeneration !== object.metadata.generation) continue;
      if (status === undefined || world.isTouchedSince(stage.name, status)) continue;
      if (!saysSuccess(object)) return `stage ${stage.name} of a complete pipeline has not succeeded`;
      const made = world.cluster.volume.checkpoints.get(`${stage.name}/${object.status?.checkpoint?.path}`);
      if (desired !== undefined && made?.madeWith !== resultAskedFor(desired))
        return `stage ${stage.name} of a complete pipeline was made with other settings`;
    }
    return undefined;
  },
  'nobody says InternalError': ({ store, pipeline }) =>
    [pipeline, ...store.all(stages)].find(
      ({ status }) => findCondition(status?.conditions, 'Succeeded')?.reason === 'InternalError',
    )?.metadata.name,
};

/** What holds once everything has come to rest. */
export const atRest: Truths<[World]> = {
  'what must stop has stopped': (world) => {
    const { spec } = world.pipeline;
    const { spent } = world.survey(Date.now() - noticedMs);
    const why = spec.suspend ? 'suspended' : exhausted(spec.budget, spent);
    if (why === undefined) return undefined;
    const job = ownJobs(world).find((each) => goesOn(world, each));
    return job && `${job.metadata.name} runs, although: ${why}`;
  },
  'what left the manifest does not run': (world) => {
    const names = new Set(world.pipeline.spec.stages.map(({ name }) => name));
    const job = ownJobs(world).find(
      (each) => goesOn(world, each) && !names.has(each.metadata.labels?.['r1.dev/stage'] ?? ''),
    );
    return job?.metadata.name;
  },
  'a pipeline that says Suspended has nothing at work': (world) => {
    const { status } = world.pipeline;
    if (findCondition(status?.conditions, 'Suspended')?.status !== 'True') return undefined;
    return ownJobs(world).find((each) => isAtWork(world, each))?.metadata.name;
  },
  'a pipeline that is complete has nothing at work': (world) => {
    if (succeededStatus(world.pipeline.status?.conditions) !== 'True') return undefined;
    return ownJobs(world).find((each) => isAtWork(world, each))?.metadata.name;
  },
  'what a stage says runs does, and what runs is said': (world) => {
    for (const stage of world.store.all(stages)) {
      const said = stage.status?.attempts.find(({ outcome }) => outcome === 'Running')?.number;
      const running = world.cluster.running.find(
        (pod) =>
          isTrainer(pod) &&
          pod.metadata.labels?.[attemptLabels.stageUid] === stage.metadata.uid &&
          pod.metadata.deletionTimestamp === undefined,
      );
      const is = running && attemptOf(running.metadata.labels);
      if (said !== is) return `${stage.metadata.name} says that attempt ${said} runs, and attempt ${is} does`;
    }
    return undefined;
  },
  'rollout workers are there for a learner that runs, and as many as it asks for': (world) => {
    const running = world.cluster.running.filter(isTrainer);
    for (const job of world.store.all(jobs)) {
      if (isTrainer(job)) continue;
      const learner = running.find(({ metadata }) => attemptIn(metadata) === attemptIn(job.metadata));
      if (learner === undefined) return `${job.metadata.name} is there, and its learner is not`;
    }
    for (const { metadata } of running) {
      const stage = world.ownStages.find(({ metadata: { uid } }) => uid === metadata.labels?.[attemptLabels.stageUid]);
      const all = world.store.all(jobs).filter((job) => attemptIn(job.metadata) === attemptIn(metadata));
      const [job, workers] = [all.find(isTrainer), all.find((each) => !isTrainer(each))];
      if (stage === undefined || job === undefined || isStopping(job) || metadata.deletionTimestamp !== undefined)
        continue;
      const mayHaveSome = !tellsApart(job.metadata.annotations?.[madeFromAnnotation], attemptDigest(stage.spec));
      const asked = workers !== undefined || mayHaveSome ? stage.spec.rolloutWorkers : 0;
      if ((workers?.spec?.parallelism ?? 0) !== asked)
        return `${metadata.name} has not the ${asked} workers that it asks for`;
      const said = stage.status?.rolloutWorkers?.running ?? 0;
      if (asked > 0 && said !== workers?.status?.ready) return `${stage.metadata.name} says that ${said} workers run`;
    }
    return undefined;
  },
  'all statuses know the newest spec': ({ store, pipeline }) =>
    [pipeline, ...store.all(stages)].find(({ status, metadata }) => status?.observedGeneration !== metadata.generation)
      ?.metadata.name,
};

/** What holds as a trainer begins. */
export const asTrainersBegin: Truths<[World, Beginning]> = {
  'a stage finds the inputs that it was given': (world, { file, pod }) => {
    const uid = pod.metadata.labels?.[attemptLabels.stageUid];
    const stage = world.store.all(stages).find(({ metadata }) => metadata.uid === uid);
    if (stage === undefined || !isOwned(world, stage)) return undefined; // it is about to be collected
    const missing = world.cluster.volume.missingInputs(file);
    return missing.length === 0 ? undefined : `${file.stage}: ${missing.join()}`;
  },
  'no run is removed that somebody needs': ({ store }, { file: { stage, goneRuns = [] }, toldAt }) => {
    const others = store
      .all(stages)
      .filter(({ metadata }) => Date.parse(metadata.creationTimestamp) < toldAt - heardOfMs);
    for (const run of goneRuns) {
      const needs = ({ metadata, spec }: Stored<R1Stage>): boolean =>
        (spec.stage === stage && runName(metadata.uid) === run) ||
        inputsOf(spec).some((input) => input.stage === stage && input.path.startsWith(`${run}/`));
      const needy = others.find(needs);
      if (needy !== undefined) return `${stage}/${run}, of which ${needy.metadata.name} has a part`;
    }
    return undefined;
  },
};

/** What holds of each write of an operator. */
export const asWritten: Truths<[World, Write]> = {
  'what a queue decides stays its own': (_, { method, path, body }) => {
    const { spec } = body as Partial<Job>;
    return method !== 'POST' && path.includes(`/${jobs.plural}/`) && spec?.suspend !== undefined ? path : undefined;
  },
  'nothing is deleted that nobody wants deleted': (world, { method, path }) => {
    if (method !== 'DELETE') return undefined;
    const { pipeline, askedAnew, history } = world;
    const [kind, name = ''] = path.split('/').slice(-2);
    const { object } = history.findLast((each) => each.plural === kind && each.object.metadata.name === name) ?? {};
    const owner = object && ownerOf((object as Stored<R1Stage>).metadata);
    if (owner !== undefined && owner.uid !== pipeline.metadata.uid) return undefined; // it was a former pipeline's
    const ofAttempts: readonly string[] = [jobs.plural, pods.plural, services.plural, networkPolicies.plural];
    if (ofAttempts.includes(kind ?? '')) return undefined; // once it is known what the attempt came to
    const isAskedAnew = kind === stages.plural && askedAnew.has(name.slice(pipeline.metadata.name.length + 1));
    return isAskedAnew ? undefined : path;
  },
};

/** What holds once a pipeline was deleted, and everything has come to rest. */
export const afterDeletion: Truths<[World]> = {
  'nothing of it is left': ({ store, cluster }) =>
    [
      ...[stages, jobs, configMaps, services, networkPolicies, secrets].flatMap((kind) => store.all<KubeObject>(kind)),
      ...store.all(pods).filter((pod) => !cluster.isSilent(pod)),
    ].find(() => true)?.metadata.name,
  'a claim that was not to stay is gone': ({ store, freeClaims, pipeline: { spec } }) =>
    store.all(volumeClaims).find(({ metadata }) => spec.storage.retention === 'Delete' && !freeClaims.has(metadata.uid))
      ?.metadata.uid,
  'nothing is made for it once that is known': ({ history, deletedAt }) => {
    const isLate = ({ creationTimestamp }: StoredMetadata) => Date.parse(creationTimestamp) > deletedAt + heardOfMs;
    return history.find(({ type, object }) => type === 'ADDED' && isLate(object.metadata))?.object.metadata.name;
  },
};

/** By the pipeline as it is now. */
function isOwned({ pipeline }: World, { metadata }: Stored<R1Stage>): boolean {
  return ownerOf(metadata)?.uid === pipeline.metadata.uid;
}

function saysSuccess({ status }: R1Stage): boolean {
  return succeededStatus(status?.conditions) === 'True';
}

/** Its trainer may write, for all that anybody knows. */
function mayWrite({ store }: World, job: Stored<Job>): boolean {
  if (isOver(job)) return false;
  const own = podsOf(store, job);
  // Its only pod is gone: the Job controller has yet to notice.
  if (own.length === 0 && job.status?.active !== undefined) return false;
  return own.length === 0 || !own.every(hasEnded);
}

/** It holds a node that answers, or will. */
function isAtWork(world: World, job: Stored<Job>): boolean {
  const own = podsOf(world.store, job);
  return mayWrite(world, job) && (own.length === 0 || !own.every((pod) => world.cluster.isSilent(pod)));
}

function goesOn(world: World, job: Stored<Job>): boolean {
  return isAtWork(world, job) && !isStopping(job);
}

function podsOf(store: World['store'], job: Stored<Job>): Stored<Pod>[] {
  return store.all(pods).filter((pod) => isTrainer(pod) && attemptIn(pod.metadata) === attemptIn(job.metadata));
}

function isStopping({ metadata }: Stored<Job>): boolean {
  return metadata.annotations?.[annotations.stopReason] !== undefined;
}

function ownJobs({ store, ownStages }: World): Stored<Job>[] {
  const own = new Set(ownStages.map(({ metadata }) => metadata.uid));
  return store
    .all(jobs)
    .filter((job) => isTrainer(job) && own.has(job.metadata.labels?.[attemptLabels.stageUid] ?? ''));
}

function attemptIn({ labels }: StoredMetadata): string {
  return `${labels?.[attemptLabels.stageUid]}/${attemptOf(labels)}`;
}
