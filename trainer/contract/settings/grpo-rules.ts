import { rewardKinds } from './rewards.ts';
import type { Rule } from './schema.ts';

/** What must hold between the settings of `grpo`, as CEL rules of the whole object. */
export const grpoRules: readonly Rule[] = [
  {
    rule: `self.rewards.all(r, ${rewardKinds.map((kind) => `(!has(r.${kind}) || !has(r.${kind}.lastSteps) || r.${kind}.lastSteps <= self.steps)`).join(' && ')})`,
    message: 'rewards: lastSteps must not be greater than steps',
  },
  {
    rule: 'self.sampling.temperature >= 0.01',
    message: 'sampling.temperature must be at least 0.01: greedy completions of a group are all the same',
  },
  {
    rule: 'self.sampling.topP > 0.0 && self.sampling.topK != 1',
    message:
      'sampling.topP must be greater than 0 and sampling.topK must not be 1: with one token to choose from, the completions of a group are all the same',
  },
  {
    rule: '!has(self.clip.dual) || self.clip.dual > 1.0',
    message: 'clip.dual must be greater than 1: it bounds the ratio where it has grown',
  },
  {
    rule: "!has(self.clip.dual) || self.loss != 'cispo'",
    message: 'clip.dual: the loss cispo has one bound of the ratio, clip.high',
  },
  {
    rule: "!self.kl.biasCorrection || (self.loss != 'gspo' && self.kl.place == 'loss')",
    message:
      'kl.biasCorrection needs the ratio of each token, in the loss: neither loss gspo nor kl.place reward has it',
  },
  {
    rule: 'self.kl.referenceMixup == 1.0 || !has(self.lora)',
    message: 'kl.referenceMixup: the mean of two adapters is not the adapter of the mean; 1 with lora',
  },
  {
    rule: '!has(self.promptWeights) || self.promptWeights.all(w, w.dataset in self.prompts)',
    message: 'promptWeights: dataset must be one of prompts',
  },
  {
    rule: '!has(self.promptWeights) || self.prompts.exists(p, !self.promptWeights.exists(w, w.dataset == p && w.weight == 0.0))',
    message: 'promptWeights: one of the prompts must have a weight above 0',
  },
  {
    rule: '!has(self.lengthSchedule) || self.lengthSchedule.all(l, l.maxNewTokens < self.sampling.maxNewTokens)',
    message: 'lengthSchedule: maxNewTokens must be less than sampling.maxNewTokens, which holds after it',
  },
  {
    rule: '!has(self.guard) || self.steps % self.guard.every == 0',
    message: 'guard.every must divide steps: the last step is looked at, too',
  },
  {
    rule: '!has(self.guard) || !has(self.guard.answers) || self.guard.answers.all(a, a.dataset in self.guard.data)',
    message: 'guard.answers: dataset must be one of guard.data',
  },
  {
    rule: '!has(self.guard) || !has(self.guard.rewardModel) || !self.rewards.exists(r, has(r.rewardModel) && r.rewardModel.from == self.guard.rewardModel.from)',
    message: 'guard.rewardModel must be another one than those of rewards: the policy learns to please these',
  },
  {
    rule: '!has(self.guard) || !has(self.guard.judge) || !has(self.guard.judge.from) || !self.rewards.exists(r, has(r.judge) && has(r.judge.from) && r.judge.from == self.guard.judge.from)',
    message: 'guard.judge.from must be another one than those of rewards: the policy learns to please these',
  },
  {
    rule: '!has(self.guard) || !has(self.guard.judge) || !has(self.guard.judge.endpoint) || !self.rewards.exists(r, has(r.judge) && has(r.judge.endpoint) && r.judge.endpoint.url == self.guard.judge.endpoint.url && r.judge.endpoint.model == self.guard.judge.endpoint.model)',
    message:
      'guard.judge.endpoint must be another server or model than those of rewards: the policy learns to please these',
  },
  {
    rule: '!has(self.guard) || [has(self.guard.answers), has(self.guard.rewardModel), has(self.guard.judge)].filter(x, x).size() < 2',
    message: 'guard: answers belong to verifiers; expected one of answers, rewardModel and judge',
  },
  {
    rule: '!has(self.entropy.band) || (self.entropy.coefficient > 0.0 && self.entropy.band.low < self.entropy.band.high)',
    message: 'entropy.band needs a coefficient above 0, and low below high',
  },
];
