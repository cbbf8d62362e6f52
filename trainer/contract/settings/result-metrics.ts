import { dropReasons } from './checked-rows.ts';
import { answerKinds, ownKind } from './dataset.ts';
import { guardFigure, type GuardSettings } from './guard.ts';
import { ownReward, type RewardSettings, reward } from './rewards.ts';
import { controlsOf, type GrpoSettings, type StageSettings } from './settings.ts';
import type { EvaluationSettings } from './training.ts';
import { updatesPerRollout } from './updates-per-rollout.ts';

/*
 * The figures that the result of a stage can have, by its settings: what a gate may look at. docs/reference/metrics.md says what
 * each means. Which of them a run really has can depend on its data, such as lengths of right answers where there are none.
 */

const ofEveryStep = ['loss', 'grad_norm', 'learning_rate'];
const supervised = ['mean_token_accuracy', 'num_tokens', 'trained_token_frac', 'packing_efficiency', 'truncated_frac'];
const scores = ['accuracy', 'min_reward', 'mean_reward', 'max_reward'];
const pairs = ['margin', 'eval/pair_accuracy', 'eval/margin', 'eval/longer_chosen_frac', 'eval/longer_preferred_frac'];
const labels = ['eval/label_accuracy', 'eval/good_frac', 'eval/roc_auc', 'eval/roc_auc_low', 'eval/roc_auc_high'];
const judgedPairs = [
  'asked',
  'draws',
  'unjudged',
  'kept',
  'held_out',
  'chosen_longer_frac',
  'unparsable_frac',
  'tokens',
].map((name) => `pairs/${name}`);
const judgedLabels = [
  'asked',
  'unjudged',
  'uncertain',
  'kept',
  'held_out',
  'labelled_frac',
  'good_frac',
  'vote_agreement',
  ...['agreement', 'kappa', 'good_as_good', 'good_as_bad', 'bad_as_good', 'bad_as_bad'].map((name) => `own_${name}`),
  'unparsable_frac',
  'tokens',
].map((name) => `labels/${name}`);
const judgedRows = ['asked', 'passed', 'too_low', 'unjudged', 'mean', 'unparsable_frac', 'tokens'].map(
  (name) => `judge/${name}`,
);
const rollout = [
  'reward',
  'reward_std',
  'frac_reward_zero_std',
  'groups/all_right_frac',
  'groups/all_wrong_frac',
  'abstained_frac',
  'format_rate',
  'language_consistency',
  ...['mean_length', 'min_length', 'max_length', 'clipped_ratio', 'mean_terminated_length'].map(ofCompletions),
  ...['mean_length_correct', 'mean_length_wrong'].map(ofCompletions),
  ...[...answerKinds, ownKind].flatMap((kind) =>
    ['pass', 'partial', 'abstain_frac'].map((name) => `verifier/${kind}/${name}`),
  ),
  'sampling/sampling_logp_difference/mean',
  'sampling/sampling_logp_difference/max',
];
const ofGuard = ['change', 'change_low', 'change_high', 'good_step'].map((name) => `guard/${name}`);
const curriculum = ['pass_rate', 'new_frac', 'hard_frac', 'medium_frac', 'easy_frac'].map(
  (name) => `curriculum/${name}`,
);
const update = ['policy_loss', 'kl', 'entropy', 'ref_refresh'];

/**
 * Names of the metrics that the result of a stage can have.
 *
 * @param evaluation how the stage is evaluated beside its training
 * @param trainedOn evaluated datasets whose rows it learns from
 */
export function resultMetrics(
  settings: Partial<StageSettings>,
  evaluation: EvaluationSettings | undefined,
  trainedOn: readonly string[] = [],
): readonly string[] {
  const { pretrain, sft, grpo, sample, rewardModel, review, evaluate } = settings;
  const evaluated = evaluation === undefined ? [] : evaluationMetricNames(evaluation, trainedOn);
  const compared = (controlsOf(settings)?.controls ?? []).flatMap(comparedWith);
  if (pretrain ?? sft) return [...ofEveryStep, ...supervised, ...ofRows('data'), ...compared, ...evaluated];
  if (grpo) {
    const { rewards } = grpo;
    // Told in the first step of a rollout; the result has the figures of the last one.
    const tokens = updatesPerRollout(grpo) === 1 ? ['num_tokens'] : [];
    return [
      ...ofEveryStep,
      ...tokens,
      ...rollout,
      ...update,
      ...clipRatios(grpo),
      ...(grpo.rollout.accept === 'equal' ? [] : ['min', 'mean', 'max'].map(ofImportance)),
      ...(grpo.distillation === undefined ? [] : ['teacher_kl']),
      ...toolFigures(grpo),
      ...(grpo.refine === undefined
        ? []
        : ['first_accuracy', 'last_accuracy', 'tries'].map((name) => `refine/${name}`)),
      ...(grpo.dynamicSampling === undefined ? [] : ['num_gen_batches']),
      ...(grpo.curriculum === undefined ? [] : curriculum),
      ...(grpo.entropy.coefficient > 0 ? ['entropy_coef'] : []),
      ...(grpo.kl.place === 'reward' ? ['reward_kl_penalty'] : []),
      ...rewardNames(rewards).flatMap(meanAndStd),
      ...rewardNames(rewards).map((each) => `rewards/${each}/advantage_frac`),
      ...rewardNames(rewards)
        .filter((_, index) => rewards[index] && (ownReward(rewards[index]) ?? rewards[index].judge))
        .flatMap(unscoredShares),
      ...rewardNames(rewards)
        .filter((_, index) => rewards[index]?.judge)
        .flatMap((each) => [`rewards/${each}/unparsable_frac`, `rewards/${each}/tokens`]),
      ...ofRows('data'),
      ...(grpo.guard === undefined ? [] : guarded(grpo.guard)),
      ...compared,
      ...evaluated,
    ];
  }
  if (rewardModel) {
    const ofObjective = rewardModel.labelled === undefined ? pairs : labels;
    const ofOther = rewardModel.compareWith === undefined ? [] : comparedFigures(ofObjective);
    return [...ofEveryStep, ...scores, ...ofObjective, ...ofOther, ...ofRows('data'), ...ofRows('data/heldOut')];
  }
  if (sample) {
    const { methods, given, thoughts } = sample;
    const rates = [
      ...methods.map(({ method }) => method),
      ...(given ? ['given'] : []),
      ...(thoughts ? ['thought'] : []),
    ].map((method) => `reflection_rate/${method}`);
    const byDomain = ['kept/reasoning', 'kept/general'];
    const bestOf = sample.rewardModel === undefined ? [] : ['reward_model/mean', 'reward_model/kept_mean'];
    return [
      'sampled',
      'kept',
      ...byDomain,
      ...bestOf,
      ...rates,
      ...(sample.judge === undefined ? [] : judgedRows),
      ...(sample.pairs === undefined ? [] : judgedPairs),
      ...(sample.labels === undefined ? [] : judgedLabels),
      ...ofRows('data'),
    ];
  }
  if (review) {
    const readTwice = review.secondReader > 0 ? ['agreement', 'kappa'] : [];
    return ['reviewed', 'not_reviewed', 'edited', 'rejected', 'rows', ...readTwice];
  }
  return evaluate ? evaluationMetricNames(evaluate, trainedOn) : [];
}

/** Of another reward model on the same held-out rows. */
function comparedFigures(own: readonly string[]): string[] {
  const others = own.filter((name) => name.startsWith('eval/')).map((name) => name.slice('eval/'.length));
  return [...others, 'agreement', 'kappa', 'spearman'].map((name) => `compared/${name}`);
}

function comparedWith(control: string): string[] {
  const names = ['pass@1', 'pass@1_stderr', 'difference', 'difference_low', 'difference_high'];
  return names.map((name) => `control/${control}/${name}`);
}

function toolFigures({ tools }: Pick<EvaluationSettings, 'tools'>): string[] {
  return tools === undefined ? [] : ['tools/call_frequency', 'tools/failure_frequency'];
}

function guarded(guard: GuardSettings): string[] {
  const figure = guardFigure(guard);
  const ofJudge = guard.judge === undefined ? [] : ['guard/unparsable_frac', 'guard/tokens'];
  return [`guard/${figure}`, `guard/${figure}_stderr`, ...ofGuard, ...ofJudge];
}

/** What clipping stops; cispo stops nothing, and bounds. */
function clipRatios({ loss, clip }: Pick<GrpoSettings, 'loss' | 'clip'>): string[] {
  if (loss === 'cispo') return ['cispo_clip_ratio'];
  const names = ['low_mean', 'high_mean', 'region_mean', ...(clip.dual === undefined ? [] : ['dual_mean'])];
  return names.map((name) => `clip_ratio/${name}`);
}

/** Names of the rewards of a stage, one each, in their order; of a kind that comes again the later ones are numbered. */
export function rewardNames(rewards: readonly RewardSettings[]): string[] {
  const kinds = rewards.map(
    (setting) => Object.keys(reward.shape).find((kind) => setting[kind as keyof RewardSettings]) ?? '',
  );
  return kinds.map((kind, index) => {
    const earlier = kinds.slice(0, index).filter((other) => other === kind).length;
    return earlier === 0 ? kind : `${kind}-${earlier + 1}`;
  });
}

function evaluationMetricNames(
  { data, samples, tools }: Pick<EvaluationSettings, 'data' | 'samples' | 'tools'>,
  trainedOn: readonly string[],
): string[] {
  const of = (prefix: string, datasets: readonly string[]): string[] =>
    (datasets.length === 0
      ? []
      : [
          'pass@1',
          'pass@1_stderr',
          'prompts',
          'unscored_frac',
          ...(samples < 2 ? [] : [`pass@${samples}`, `cons@${samples}`]),
          ...datasets.flatMap((name) => [`${name}/pass@1`, `${name}/unscored_frac`, `${name}/thought_rate`]),
          'format_rate',
          'language_consistency',
          'worded_rate',
          'mean_length',
          ...toolFigures({ tools }),
        ]
    ).map((name) => `${prefix}/${name}`);
  const isLearned = (name: string): boolean => trainedOn.includes(name);
  return [
    ...of(
      'eval',
      data.filter((name) => !isLearned(name)),
    ),
    ...of('eval_train', data.filter(isLearned)),
    ...data.flatMap((name) => ofRows(`data/evaluation/${name}`)),
  ];
}

/** What the look at all rows before the first step found. */
function ofRows(prefix: string): string[] {
  return ['rows', 'used', 'cut', ...Object.keys(dropReasons).map((reason) => `dropped_${reason}`)].map(
    (name) => `${prefix}/${name}`,
  );
}

function meanAndStd(name: string): string[] {
  return [`rewards/${name}/mean`, `rewards/${name}/std`];
}

/** Of a reward of one's own, and of a judge. */
function unscoredShares(name: string): string[] {
  return ['abstain', 'timeout', 'error'].map((reason) => `rewards/${name}/${reason}_frac`);
}

function ofImportance(name: string): string {
  return `sampling/importance_sampling_ratio/${name}`;
}

function ofCompletions(name: string): string {
  return `completions/${name}`;
}
