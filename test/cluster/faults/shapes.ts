import type { ControlPlane } from '../support/control-plane.ts';

/** A pipeline whose pods end by themselves on fake nodes, and what an undisturbed run of it makes. */
export interface Shape {
  readonly name: string;
  readonly spec: object;
  /** One an attempt, and one for its rollout workers; in the order of the alphabet. */
  readonly jobs: readonly string[];
}

const common = {
  base: { init: { hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1 } },
  datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
  storage: { size: '1Gi' },
};
const pretrain = { name: 'base', pretrain: { data: ['sums'], steps: 10 } };
const grpo = { prompts: ['sums'], steps: 10, rewards: [{ accuracy: {} }] };
const sft = { data: ['sums'] };

/** Two stages, one after the other. */
export const pair: Shape = {
  name: 'pair',
  spec: {
    ...common,
    image: 'kwok/succeed:500ms',
    stages: [pretrain, { name: 'zero', model: { from: 'base' }, grpo }],
  },
  jobs: ['pair-base-1', 'pair-zero-1'],
};

/** Stages that hand on models and data, on a volume that one of them can mount at a time. */
export const chain: Shape = {
  name: 'chain',
  spec: {
    ...common,
    image: 'kwok/succeed:1s',
    stages: [
      pretrain,
      { name: 'zero', model: { from: 'base' }, grpo },
      { name: 'samples', model: { from: 'zero' }, sample: { prompts: ['sums'] } },
      { name: 'student', model: { init: { hiddenSize: 64 } }, sft: { data: ['samples'] } },
      { name: 'check', model: { from: 'base' }, evaluate: { data: ['sums'] } },
    ],
  },
  jobs: ['chain-base-1', 'chain-check-1', 'chain-samples-1', 'chain-student-1', 'chain-zero-1'],
};

/** Three stages at the same time on a shared volume, the gate of one of which turns its model down. */
export const fork: Shape = {
  name: 'fork',
  spec: {
    ...common,
    image: 'kwok/succeed:1s',
    storage: { size: '1Gi', accessMode: 'ReadWriteMany' },
    stages: [
      pretrain,
      { name: 'left', model: { from: 'base' }, sft },
      {
        name: 'middle',
        model: { from: 'base' },
        grpo,
        gate: { metric: 'reward', atLeast: 0.9, onFailure: 'Rollback' },
      },
      { name: 'right', model: { from: 'base' }, sft },
      { name: 'joined', model: { from: 'middle' }, sft },
    ],
  },
  jobs: ['fork-base-1', 'fork-joined-1', 'fork-left-1', 'fork-middle-1', 'fork-right-1'],
};

/** First attempts run out of memory. */
export const retried: Shape = {
  name: 'retried',
  spec: {
    ...common,
    image: 'kwok/oom-once:500ms',
    defaults: { retry: { outOfMemory: 1, backoffSeconds: 0.5 } },
    stages: [pretrain, { name: 'zero', model: { from: 'base' }, grpo }],
  },
  jobs: ['retried-base-1', 'retried-base-2', 'retried-zero-1', 'retried-zero-2'],
};

/** A learner with rollout workers. */
export const crowd: Shape = {
  name: 'crowd',
  spec: {
    ...common,
    image: 'kwok/succeed:3s',
    stages: [pretrain, { name: 'zero', model: { from: 'base' }, grpo, rolloutWorkers: 2 }],
  },
  jobs: ['crowd-base-1', 'crowd-zero-1', 'crowd-zero-1-rollout'],
};

export const shapes: readonly Shape[] = [chain, fork, retried, crowd];

/** The same with pods of another fate. */
export function withImage(shape: Shape, image: string): Shape {
  return { ...shape, spec: { ...shape.spec, image } };
}

export async function applyShapes(cluster: ControlPlane, namespace: string, given: readonly Shape[]): Promise<void> {
  await cluster.apply(
    given.map(({ name, spec }) => ({
      apiVersion: 'r1.dev/v1alpha1',
      kind: 'R1Pipeline',
      metadata: { name, namespace },
      spec,
    })),
  );
}
