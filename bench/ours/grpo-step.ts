import { groupAdvantages } from '../../trainer/algorithms/advantages.ts';
import { randomKey } from '../../trainer/algorithms/random.ts';
import { sequenceWeights } from '../../trainer/algorithms/sequence-weights.ts';
import type { Engine } from '../../trainer/engine/engine.ts';
import type { Rollout } from '../messages.ts';
import type { GrpoStepWorkload } from '../workload.ts';
import { readWorkload, serve, type Work } from './serve.ts';

/** TRL's constant. */
const advantageEpsilon = 1e-4;

/** A step of GRPO as the stage does it: sampling, a trivial reward (the share of even tokens), one update. */
function prepare(engine: Engine, workload: GrpoStepWorkload): Work {
  const { promptIds, group, newTokens, stopId, seed, klCoefficient } = workload;
  const prompts = promptIds.flatMap((prompt) => Array.from({ length: group }, () => prompt));
  if (klCoefficient > 0) engine.copyParameters('policy', 'reference');
  let rollouts = 0;

  async function sample() {
    rollouts++;
    const sampling = { temperature: 1, topP: 1, topK: 0, maxNewTokens: newTokens };
    const completions = await engine.generate(
      prompts.map((prompt, row) => ({
        promptIds: prompt,
        key: randomKey(seed, 'rollout', rollouts, row),
        sampling,
        stopIds: [stopId],
      })),
    );
    const completionIds = completions.map(({ tokenIds }) => tokenIds);
    return { completionIds, rewards: completionIds.map(evenShare), oldProbs: completions.map(({ probs }) => probs) };
  }

  async function update({ completionIds, rewards }: Rollout, oldProbs: readonly Float32Array[]) {
    const sequences = prompts.map((prompt, row) => ({ promptIds: prompt, completionIds: completionIds[row] ?? [] }));
    const refProbs =
      klCoefficient > 0 ? await engine.tokenProbabilities(sequences, { set: 'reference', temperature: 1 }) : undefined;
    const groups = promptIds.map((_, prompt) => rewards.slice(prompt * group, (prompt + 1) * group));
    const advantages = groupAdvantages(groups, { loss: 'grpo', epsilon: advantageEpsilon }).flat();
    const lengths = completionIds.map((ids) => ids.length);
    const weights = sequenceWeights(lengths, { loss: 'grpo', maxNewTokens: newTokens });
    return engine.step(
      {
        loss: 'policy',
        sequences: sequences.map((sequence, row) => ({
          ...sequence,
          oldProbs: oldProbs[row] ?? new Float32Array(),
          ...(refProbs && { refProbs: refProbs[row] ?? new Float32Array() }),
          advantage: advantages[row] ?? 0,
          weight: weights[row] ?? 0,
        })),
        inverseTemperature: 1,
        ratioLow: 1 - workload.clip,
        ratioHigh: 1 + workload.clip,
        klCoefficient,
      },
      workload.hyper,
    );
  }

  /** Takes the peer's first steps again, with its completions and rewards. */
  async function replay(steps: readonly Rollout[]): Promise<number[]> {
    const norms: number[] = [];
    for (const rollout of steps) {
      const sequences = prompts.map((prompt, row) => ({
        promptIds: prompt,
        completionIds: rollout.completionIds[row] ?? [],
      }));
      // oxlint-disable-next-line no-await-in-loop -- each step starts from the weights of the one before
      const oldProbs = await engine.tokenProbabilities(sequences, { set: 'policy', temperature: 1 });
      // oxlint-disable-next-line no-await-in-loop
      norms.push((await update(rollout, oldProbs)).gradNorm);
    }
    return norms;
  }

  return {
    async repeat() {
      const { oldProbs, ...rollout } = await sample();
      await update(rollout, oldProbs);
    },
    check: async ({ rollouts: steps }) => ({ numbers: { 'gradient norm': await replay(steps ?? []) } }),
  };
}

function evenShare(ids: readonly number[]): number {
  return ids.filter((id) => id % 2 === 0).length / ids.length;
}

const workload = readWorkload() as GrpoStepWorkload;
await serve(workload, { optimizer: true }, (engine) => prepare(engine, workload));
