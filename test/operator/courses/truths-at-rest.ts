import { tellsApart } from '../../../trainer/contract/settings/digest-version.ts';
import { findCondition, succeededStatus } from '../../../operator/api/resources/conditions.ts';
import { exhausted } from '../../../operator/core/budget.ts';
import { attemptDigest } from '../../../operator/core/settings-digest.ts';
import {
  configMaps,
  jobs,
  networkPolicies,
  pods,
  secrets,
  services,
  volumeClaims,
  type KubeObject,
  type StoredMetadata,
} from '../../../operator/kube/client/resources.ts';
import { attemptOf } from '../../../operator/kube/objects/attempt-job.ts';
import { attemptLabels, madeFromAnnotation } from '../../../operator/kube/objects/labels.ts';
import { isTrainer } from '../../../operator/kube/objects/ownership.ts';
import { stages } from '../../../operator/kube/objects/r1-kinds.ts';
import type { Truths } from './truths.ts';
import { attemptIn, goesOn, hasRecordedEnd, isAtWork, isStopping, ownJobs } from './work.ts';
import { heardOfMs, type World } from './world.ts';

/** A budget that is spent at this moment is noticed within so long, also by an operator that has just begun. */
const noticedMs = 10_000;

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
  'nothing goes on of an attempt that has ended': (world) =>
    ownJobs(world).find((each) => goesOn(world, each) && hasRecordedEnd(world, each))?.metadata.name,
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
      if (asked > 0 && said !== (workers?.status?.ready ?? 0))
        return `${stage.metadata.name} says that ${said} workers run`;
    }
    return undefined;
  },
  'all statuses know the newest spec': ({ store, pipeline }) =>
    [pipeline, ...store.all(stages)].find(({ status, metadata }) => status?.observedGeneration !== metadata.generation)
      ?.metadata.name,
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
