import { cutBatch, cutCompletions, inBatchOrder, tokenFields } from '../../trainer/engine/batches.ts';
import type { ThreadBackend } from '../../trainer/engine/threads/thread-backend.ts';
import type { ModelConfig } from '../../trainer/models/config.ts';
import type { PolicyGradientWorkload } from '../workload.ts';
import { readWorkload, serve, startBackend, type Work } from './serve.ts';

/** Gradient of the policy loss on the policy that sampled: that of −Σ weight · advantage · log p. */
async function prepare(backend: ThreadBackend, config: ModelConfig, workload: PolicyGradientWorkload): Promise<Work> {
  const sequences = workload.groups.flatMap(({ promptIds, completions }) =>
    completions.map((completionIds) => ({ promptIds, completionIds })),
  );
  const sampled = cutCompletions(sequences, config, tokenFields);
  const oldProbs = inBatchOrder(
    sampled,
    await backend.tokenFigures(sampled, 'policy', { figure: 'prob', inverseTemperature: 1 }),
  );
  const { advantages, weight } = workload;
  const parts = cutBatch(
    {
      loss: 'policy',
      temperature: 1,
      settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
      sequences: sequences.map((sequence, at) => ({
        ...sequence,
        oldProbs: oldProbs[at]!,
        advantage: advantages[at]!,
        weight,
      })),
    },
    config,
  );
  const repeat = () => backend.gradient(parts);
  return { repeat, check: async () => ({ numbers: { 'gradient norm': [(await repeat()).norm] } }) };
}

const workload = readWorkload() as PolicyGradientWorkload;
const { backend, config } = await startBackend(workload);
await serve(backend, await prepare(backend, config, workload));
