import { z } from 'zod';
import { grpoRules } from './grpo-rules.ts';
import { controls, guard } from './guard.ts';
import { reward } from './rewards.ts';
import { count, name, names, object, positiveInt, withRules } from './schema.ts';
import { refine, toolUseShape } from './tool-use.ts';
import { promptShape, sampling, trainingShape } from './training.ts';

const completions = object({
  every: positiveInt
    .default(20)
    .describe(
      'Steps between two looks at completions, in samples.jsonl and the report; the last rollout is always looked at.',
    ),
  count: z.int().min(0).max(1024).default(2).describe('Prompts in a look, with one completion each.'),
  rollouts: count
    .default(0)
    .describe(
      'The newest rollouts of which all completions are kept, with rewards and advantages, a file each in rollouts/; beyond 1 GiB fewer. 0 is none.',
    ),
});

const entropy = object({
  coefficient: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'The loss is less by this times the mean entropy of the tokens, in nats (entropy_coef of TRL). Costs a second product with the head.',
    ),
  band: object({
    low: z.number().min(0).max(100).describe('Below this entropy of a rollout the coefficient holds.'),
    high: z.number().min(0).max(100).describe('Above this entropy of a rollout it holds with the other sign.'),
  })
    .optional()
    .describe(
      'The bonus only where the entropy of the rollout, mean −log of the sampled probabilities in nats, has left this band, towards it. Always when absent.',
    ),
  topQuantile: z
    .number()
    .min(0.01)
    .max(1)
    .default(1)
    .describe(
      'Only this share of the tokens of a step, those of the highest entropy, learns from rewards, and has the bonus (top_entropy_quantile of TRL; 0.2 in arXiv:2506.01939). Below 1 it costs a pass more an update.',
    ),
});

const rollout = object({
  accept: z
    .enum(['equal', 'mismatch'])
    .default('equal')
    .describe(
      'Which rollout workers may sample: those whose completions are those of the learner to the bit, so that who samples changes no weight; or, with mismatch, those of other processors, GPUs and libraries, too. Then a run is not repeatable, costs a pass more a rollout, and importanceSampling makes up for the difference. Evaluations are sampled by equal ones alone.',
    ),
  importanceSampling: object({
    mode: z
      .enum(['token_truncate', 'token_mask', 'sequence_truncate', 'sequence_mask'])
      .default('token_truncate')
      .describe(
        'The loss of a token counts times the ratio of its probability in training and in sampling, or of those of its whole completion (sequence), which above clipMax is clipMax (truncate) or 0 (mask); vllm_importance_sampling_mode of TRL.',
      ),
    clipMax: z
      .number()
      .min(1)
      .max(100)
      .default(3)
      .describe('Greatest ratio (vllm_importance_sampling_clip_max of TRL).'),
  })
    .prefault({})
    .describe('Correction for samplers that differ from the learner, with accept: mismatch.'),
});

export const grpo = withRules(
  object({
    ...trainingShape,
    learningRate: trainingShape.learningRate.default(3e-6),
    prompts: names.describe('Datasets with prompts.'),
    promptWeights: z
      .array(
        object({
          dataset: name.describe('One of prompts.'),
          weight: z
            .number()
            .min(0)
            .max(1000)
            .describe('How often it comes, relative to the others; 1 where not named.'),
        }),
      )
      .min(1)
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['dataset'] })
      .describe(
        'A mixture of the datasets of prompts by weights, exact in every 1000 prompts, whatever their sizes; each has epochs of its own. When absent every row comes equally often.',
      ),
    steps: positiveInt.describe('Optimizer steps.'),
    promptsPerStep: positiveInt.default(32).describe('Prompts in one optimizer step.'),
    group: z.int().min(2).max(1024).default(16).describe('Completions per prompt.'),
    stepsPerRollout: positiveInt.default(1).describe('Mini-batches that one rollout is cut into; the paper uses 16.'),
    epochsPerRollout: positiveInt.default(1).describe('Times that a rollout is trained on.'),
    loss: z
      .enum(['grpo', 'dr_grpo', 'dapo', 'gspo', 'cispo'])
      .default('grpo')
      .describe(
        'grpo clips the ratio of each token and counts every completion the same; dapo counts every token of the batch the same; dr_grpo divides by maxNewTokens, and rewards by nothing; gspo clips one ratio a completion, the geometric mean of its tokens, and wants a clip of about 3e-4; cispo takes the ratio, at most 1 + clip.high, as a weight without a gradient, so that every token learns, and counts tokens as dapo does.',
      ),
    scaleRewards: z
      .enum(['group', 'batch', 'none'])
      .optional()
      .describe(
        "What a reward's distance from the mean of its group is divided by: the standard deviation of the group, that of the whole rollout, or nothing (scale_rewards of TRL). When absent group, and none for dr_grpo.",
      ),
    clip: object({
      low: z
        .number()
        .min(0)
        .max(1)
        .default(0.2)
        .describe('The ratio is clipped below 1 − low; cispo has no bound there.'),
      high: z.number().min(0).max(100).default(10).describe('The ratio is clipped above 1 + high.'),
      dual: z
        .number()
        .min(1)
        .max(100)
        .optional()
        .describe(
          'Dual clip: where the advantage is negative, the ratio is clipped above this as well (clip_ratio_c of verl, 3 there; delta of TRL). Off when absent, as in the paper and in TRL.',
        ),
    })
      .prefault({})
      .describe('PPO clipping; the paper uses ε = 10 above.'),
    kl: object({
      coefficient: z
        .number()
        .min(0)
        .max(10)
        .default(0.001)
        .describe('Weight of the estimate of KL(policy ‖ reference); at 0 no reference is kept.'),
      estimator: z
        .enum(['k1', 'k2', 'k3'])
        .default('k3')
        .describe(
          'Of one token, r = reference ÷ policy: k1 is −log r, k2 ½ (log r)², k3 r − log r − 1. In the loss k1 has no gradient on average, and is for the reward.',
        ),
      place: z
        .enum(['loss', 'reward'])
        .default('loss')
        .describe(
          'Where it is: in the loss, token by token, or taken from the reward of a completion, summed over its tokens, before advantages are made.',
        ),
      biasCorrection: z
        .boolean()
        .default(false)
        .describe(
          'In the loss, times the ratio of policy and sampler, so that it holds after several updates of one rollout, too (use_bias_correction_kl of TRL, on by default there; DeepSeek-V3.2).',
        ),
      report: z
        .boolean()
        .optional()
        .describe('Keeps a reference and reports the metric kl at a coefficient of 0, too: 18 % of a step.'),
      referenceEvery: count
        .default(400)
        .describe('The reference is replaced by the policy every this many steps; 0 is never.'),
      referenceMixup: z
        .number()
        .min(0.001)
        .max(1)
        .default(1)
        .describe(
          'Share of the policy in the new reference, whose rest is the old one (ref_model_mixup_alpha of TRL); 1 replaces it.',
        ),
    })
      .prefault({})
      .describe('KL to the reference policy.'),
    entropy: entropy.prefault({}).describe('Keeps the policy from settling on one answer too early; off by default.'),
    advantageEpsilon: z.number().min(0).default(1e-4).describe('Added to the standard deviation of a group.'),
    sampling: sampling.prefault({}).describe('How completions are sampled.'),
    lengthSchedule: z
      .array(
        object({
          untilStep: positiveInt.describe('For rollouts before this step.'),
          maxNewTokens: positiveInt.describe('Longest completion, in tokens.'),
        }),
      )
      .min(1)
      .max(16)
      .optional()
      .describe(
        'Shorter completions at the beginning; sampling.maxNewTokens holds after the last of these steps. R1-Zero: 65536 there, and here 32768 until step 8200.',
      ),
    distillation: object({
      from: name.describe('The pretrain, grpo or sft stage whose model teaches; it has the tokenizer of this one.'),
      coefficient: z
        .number()
        .min(0.001)
        .max(100)
        .default(1)
        .describe(
          'Factor of log teacher − log policy, which every token has in its advantage beside that of the rewards.',
        ),
    })
      .optional()
      .describe(
        'On-policy distillation: the policy learns on its own completions from a teacher, by the reverse KL, token by token. For that alone give the rewards the weight 0.',
      ),
    maskTruncated: z
      .boolean()
      .default(false)
      .describe(
        'Completions that were cut off count in the mean of their group and are not trained (mask_truncated_completions of TRL; overlong filtering of DAPO). The reward length punishes them softly instead.',
      ),
    dynamicSampling: object({
      maxRounds: z
        .int()
        .min(2)
        .max(100)
        .default(3)
        .describe(
          'Rounds of sampling in a rollout, the first included (max_num_gen_batches of verl); then groups without signal make up what is missing.',
        ),
    })
      .optional()
      .describe(
        'Groups whose completions all score alike are drawn again, from other prompts (DAPO). Figures of rewards and completions are of all that were drawn. Off when absent.',
      ),
    curriculum: object({
      from: name
        .optional()
        .describe('A sample stage whose pass rates hold for a prompt until this stage has measured it itself.'),
    })
      .optional()
      .describe(
        'Prompts that the policy answers right about half the time come more often, by what verifiers have found of them in this stage, rewarded or not; the others come now and then. Keeps the shares of promptWeights. Off when absent.',
      ),
    ...toolUseShape,
    refine: refine.optional(),
    rollout: rollout.prefault({}).describe('Who samples completions.'),
    ...promptShape,
    completions: completions.prefault({}).describe('Which completions are written down; decides no weights.'),
    guard: guard.optional(),
    controls: controls.optional(),
    rewards: z.array(reward).min(1).max(16).describe('Simply added, each times its weight.'),
  }),
  grpoRules,
).describe('Reinforcement learning with verifiable rewards, by group relative policy optimisation.');
export type GrpoSettings = z.infer<typeof grpo>;
