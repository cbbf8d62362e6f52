import { findCondition, succeededStatus } from '../../../operator/api/resources/conditions.ts';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import { inputsOf, type R1Stage } from '../../../operator/api/resources/stage.ts';
import { hasNotEnded } from '../../../operator/core/attempts.ts';
import { isChangedByHand } from '../../../operator/core/asked-for.ts';
import { runName } from '../../../operator/core/names.ts';
import {
  configMaps,
  jobs,
  networkPolicies,
  pods,
  services,
  volumeClaims,
  type Job,
  type Pod,
  type Stored,
} from '../../../operator/kube/client/resources.ts';
import { attemptLabels } from '../../../operator/kube/objects/labels.ts';
import { isTrainer, ownerOf } from '../../../operator/kube/objects/ownership.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import type { Beginning } from './cluster.ts';
import type { Owned } from './job-controller.ts';
import type { Write } from './operator-process.ts';
import { resultAskedFor } from './trainer-volume.ts';
import { attemptIn, hasRecordedEnd, isOwned, mayWrite, saysSuccess } from './work.ts';
import { heardOfMs, type World } from './world.ts';

/** Each says what is wrong, if anything is. */
export type Truths<T extends readonly unknown[]> = Readonly<Record<string, (...of: T) => string | undefined>>;

/** What holds after every write, whoever wrote. */
export const always: Truths<[World]> = {
  // What a queue has never let begin can go before anybody has written down that it was there. Workers may come again, for a moment, by a
  // deposed operator that has not heard of their learner's end: they change nothing.
  'an attempt has one trainer Job that has had a pod, ever': ({ history }) => {
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
      if (!isTrainer(object as Stored<Job>)) continue;
      const attempt = attemptIn(object.metadata);
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
      if (hasRecordedEnd(world, job)) continue; // a deposed operator has made it again
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
  'what a pipeline has spent stays spent': ({ history }) => {
    const { plural, type, object } = history.at(-1)!;
    if (plural !== pipelines.plural || type !== 'MODIFIED') return undefined;
    const { uid, name } = object.metadata;
    const before = history.findLast((each, at) => at < history.length - 1 && each.object.metadata.uid === uid);
    const [was, is] = [before?.object, object].map((each) => (each as Stored<R1Pipeline> | undefined)?.status);
    // What runs is counted up to now, which may turn out to be later than its end.
    const listed = new Set(is?.spending?.map(({ run }) => run));
    const gone = was?.spending?.filter(({ run }) => !listed.has(run)) ?? [];
    const owed = gone.reduce((sum, each) => sum + each.runSeconds, was?.formerSpending?.runSeconds ?? 0);
    const kept = is?.formerSpending?.runSeconds ?? 0;
    return kept < owed - 0.01 ? `of ${owed} seconds by stages that are gone ${name} knows ${kept}` : undefined;
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
