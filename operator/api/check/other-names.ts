/**
 * What fields of other tools are called here: of the trainer configs of TRL and transformers, of peft's LoraConfig, of a
 * config.json, and of other types of stages. Each with paths below an object of the manifest, of which the first counts
 * that there is at the place.
 */
export const otherNames: Readonly<Record<string, readonly string[]>> = {
  // How long, and how much in a step
  max_steps: ['steps', 'epochs'],
  steps: ['epochs'],
  num_train_epochs: ['epochs', 'steps'],
  epochs: ['steps'],
  per_device_train_batch_size: ['batch', 'promptsPerStep'],
  batch_size: ['batch', 'promptsPerStep'],
  gradient_accumulation_steps: ['batch', 'promptsPerStep'],
  generation_batch_size: ['stepsPerRollout'],
  steps_per_generation: ['stepsPerRollout'],
  batch: ['promptsPerStep'],
  num_iterations: ['epochsPerRollout'],
  num_generations: ['group', 'perPrompt'],
  num_return_sequences: ['group', 'perPrompt', 'samples'],
  group: ['perPrompt', 'samples'],
  save_steps: ['checkpointEvery'],
  save_total_limit: ['storage.keepLast'],
  eval_steps: ['evaluation.every'],
  seed: ['seed'],

  // Data and rewards
  train_dataset: ['prompts', 'data', 'pairs', 'datasets'],
  dataset_name: ['prompts', 'data', 'pairs', 'datasets'],
  data: ['prompts', 'pairs'],
  prompts: ['data', 'pairs'],
  eval_dataset: ['evaluation.data'],
  reward_funcs: ['rewards'],
  reward_weights: ['rewards'],

  // Lengths and sampling
  max_length: ['maxLength'],
  max_seq_length: ['maxLength'],
  max_prompt_length: ['maxPromptTokens'],
  max_completion_length: ['sampling.maxNewTokens'],
  max_new_tokens: ['sampling.maxNewTokens'],
  maxNewTokens: ['sampling.maxNewTokens'],
  temperature: ['sampling.temperature'],
  top_p: ['sampling.topP'],
  topP: ['sampling.topP'],
  top_k: ['sampling.topK'],
  topK: ['sampling.topK'],
  stop_strings: ['chat.stop'],
  chat_template: ['chat.template'],
  chat_template_path: ['chat.templateFile'],

  // Optimizer
  learning_rate: ['learningRate'],
  lr_scheduler_type: ['schedule.kind'],
  warmup_steps: ['schedule.warmupSteps'],
  warmup_ratio: ['schedule.warmupSteps'],
  weight_decay: ['optimizer.weightDecay'],
  max_grad_norm: ['optimizer.maxGradNorm'],
  adam_beta1: ['optimizer.betas'],
  adam_beta2: ['optimizer.betas'],
  adam_epsilon: ['optimizer.epsilon'],
  bf16: ['precision'],

  // Loss
  beta: ['kl.coefficient'],
  ref_model_sync_steps: ['kl.referenceEvery'],
  epsilon: ['clip.low'],
  epsilon_high: ['clip.high'],
  delta: ['clip.dual'],
  loss_type: ['loss'],
  importance_sampling_level: ['loss'],
  vllm_importance_sampling_correction: ['rollout.accept'],
  vllm_importance_sampling_mode: ['rollout.importanceSampling.mode'],
  vllm_importance_sampling_cap: ['rollout.importanceSampling.clipMax'],
  vllm_importance_sampling_clip_max: ['rollout.importanceSampling.clipMax'],
  scale_rewards: ['scaleRewards'],
  mask_truncated_completions: ['maskTruncated'],
  use_bias_correction_kl: ['kl.biasCorrection'],
  ref_model_mixup_alpha: ['kl.referenceMixup'],
  entropy_coef: ['entropy.coefficient'],
  top_entropy_quantile: ['entropy.topQuantile'],

  // Adapters
  use_peft: ['lora'],
  peft_config: ['lora'],
  lora_r: ['lora.rank'],
  r: ['lora.rank'],
  lora_alpha: ['lora.alpha'],
  lora_target_modules: ['lora.targets'],
  target_modules: ['lora.targets'],

  // Models
  model_name_or_path: ['base'],
  hidden_size: ['init.hiddenSize'],
  intermediate_size: ['init.intermediateSize'],
  num_hidden_layers: ['init.layers'],
  num_attention_heads: ['init.heads'],
  num_key_value_heads: ['init.kvHeads'],
  max_position_embeddings: ['init.maxLength'],
};
