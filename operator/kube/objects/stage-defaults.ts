import type { R1Stage } from '../../api/resources/stage.ts';
import type { StageDefaults } from '../../api/resources/stage-defaults.ts';
import { digestOf } from '../../core/names.ts';
import type { Job } from '../client/resources.ts';
import { gpusOf, withoutDevices } from './gpus.ts';
import { defaultImageAnnotation, defaultsAnnotation } from './labels.ts';

/** The stage as its pods are built: its own fields first, then what the cluster has for its kind of pod. People read on no GPU. */
export function withStageDefaults(stage: R1Stage, defaults: StageDefaults): R1Stage {
  const spec = { ...stage.spec, ...additions(stage, defaults) };
  return { ...stage, spec: spec.review === undefined ? spec : withoutDevices(spec) };
}

/** What the cluster adds: everything that the stage leaves out. */
function additions({ spec }: R1Stage, { all, gpu }: StageDefaults): Partial<R1Stage['spec']> {
  const placement = spec.review === undefined && gpusOf(spec) > 0 ? { ...all, ...gpu } : all;
  const given = Object.entries(spec).filter(([field, value]) =>
    field === 'imagePullSecrets' ? spec.imagePullSecrets.length > 0 : value !== undefined,
  );
  const named = new Set(given.map(([field]) => field));
  return Object.fromEntries(Object.entries(placement).filter(([field]) => !named.has(field)));
}

/** Annotations for a Job of an attempt that say what was added. */
export function madeWith(stage: R1Stage, defaults: StageDefaults, image: string): Record<string, string> {
  return {
    [defaultsAnnotation]: digestOf(additions(stage, defaults)).slice(0, 16),
    ...(stage.spec.image === undefined && { [defaultImageAnnotation]: image }),
  };
}

/** The operator's own image when the Job of an attempt was made; rollout workers of another version would be of no use to it. */
export function defaultImageOf(job: Job | undefined, now: string): string {
  return job?.metadata?.annotations?.[defaultImageAnnotation] ?? now;
}

/**
 * The operator has other defaults by now than those that a Job was made with. Another image is no reason to take its place in
 * a queue from it.
 *
 * @param now what a Job would be made with
 */
export function hasOtherDefaults(job: Job, now: Readonly<Record<string, string>>): boolean {
  const said = job.metadata?.annotations ?? {};
  const compared = job.spec?.suspend === true ? [defaultsAnnotation] : [defaultsAnnotation, defaultImageAnnotation];
  return compared.some((name) => said[name] !== undefined && now[name] !== undefined && said[name] !== now[name]);
}
