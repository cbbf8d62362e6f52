import { integer, type RandomKey } from '../../trainer/algorithms/random.ts';

const common = {
  base: { init: { hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1 } },
  datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
  storage: { size: '1Gi' },
};
const again = { retry: { outOfMemory: 1, disruption: 2, backoffSeconds: 2 } };
const pretrain = { name: 'base', pretrain: { data: ['sums'], steps: 10 } };
const grpo = { prompts: ['sums'], steps: 10, rewards: [{ accuracy: {} }] };
const zero = { name: 'zero', model: { from: 'base' }, grpo };
const student = { name: 'student', model: { init: { hiddenSize: 64 } }, sft: { data: ['samples'] } };
const samples = { name: 'samples', model: { from: 'zero' }, sample: { prompts: ['sums'] } };

/** What pipelines of a soak look like: the fate of their pods, and their stages. */
const shapes: readonly { readonly fate: string; readonly spec: object }[] = [
  { fate: 'succeed', spec: { stages: [pretrain, zero, samples, student] } },
  { fate: 'succeed', spec: { stages: [pretrain, { ...zero, rolloutWorkers: 2 }] } },
  { fate: 'oom-once', spec: { defaults: again, stages: [pretrain, zero] } },
  { fate: 'evicted-once', spec: { defaults: again, stages: [pretrain, zero] } },
  { fate: 'exit-64', spec: { stages: [pretrain, zero] } },
  {
    fate: 'succeed',
    spec: {
      storage: { size: '1Gi', accessMode: 'ReadWriteMany' },
      stages: [pretrain, zero, { ...zero, name: 'other' }, { ...samples, model: { from: 'other' } }, student],
    },
  },
];

/** The n-th pipeline: its pods run for five to sixty seconds. */
export function pipelineOf(namespace: string, key: RandomKey, n: number): object {
  const { fate, spec } = shapes[n % shapes.length]!;
  const image = `kwok/${fate}:${5 + integer(key, n, 56)}s`;
  return {
    apiVersion: 'r1.dev/v1alpha1',
    kind: 'R1Pipeline',
    metadata: { name: `soak-${n}`, namespace },
    spec: { ...common, image, ...spec },
  };
}
