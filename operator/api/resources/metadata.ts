import { z } from 'zod';

export const apiGroup = 'r1.dev';
export const apiVersion = 'r1.dev/v1alpha1';

/** The part of a Kubernetes object's metadata that this project reads or writes; the rest passes through. */
export const metadata = z.looseObject({
  name: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** Annotations by which a person acts on a running pipeline. */
export const annotations = {
  /** On a pipeline: comma-separated stages whose gate a person has approved. */
  approved: 'r1.dev/approved',
  /** On a pipeline: a stage that is run again, with all that use what it gives; removed once that is set in motion. */
  rerunFrom: 'r1.dev/rerun-from',
  /** On a Job: why its attempt was asked to end. */
  stopReason: 'r1.dev/stop-reason',
  /** On a stage: attempts up to this number no longer count against the retry budget. */
  forgiven: 'r1.dev/forgiven-attempts',
  /** On a stage of a pipeline: digest of what the pipeline asks for. */
  askedFor: 'r1.dev/asked-for',
} as const;

/** On a pipeline, before the name of a stage: who approved its gate. An admission policy checks that it is whoever says so. */
export const approvedByPrefix = 'approved-by.r1.dev/';

/** On a pipeline, before the name of a stage: why its gate was approved. */
export const approvedBecausePrefix = 'approved-because.r1.dev/';

export const labels = { pipeline: 'r1.dev/pipeline', stage: 'r1.dev/stage', type: 'r1.dev/type' } as const;

/** RFC 3339, as Kubernetes writes times. */
export const time = z.iso.datetime({ offset: true }).meta({ format: 'date-time', pattern: undefined });

/**
 * For what only one ever writes: the API server keeps no account of who owns which field of it, an account that would be
 * longer than the rest and cost it a third of every write.
 */
export const writtenAsAWhole = { 'x-kubernetes-map-type': 'atomic' } as const;
