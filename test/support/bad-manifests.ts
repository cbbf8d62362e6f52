import { manifest } from './manifest.ts';
import { fourStages } from './pipelines.ts';

/** A healthy pipeline with one thing changed. */
export function broken(from: string, to: string): string {
  if (!fourStages.includes(from)) throw new Error(`not in the manifest: ${from}`);
  return manifest(fourStages.replace(from, to));
}

/** A manifest that both `r1 validate` and an API server must refuse. */
export interface BadManifest {
  readonly name: string;
  readonly text: string;
  /** The lines of `r1 validate`. */
  readonly expected: readonly (string | RegExp)[];
  /** What the API server says in words of its own; the first of the lines above where it is absent. */
  readonly server?: string;
}

export const badManifests: readonly BadManifest[] = [
  {
    name: 'unknown field with the one that was probably meant',
    text: broken('seed: 3', 'sed: 3'),
    expected: ['spec.sed: unknown field "sed"; did you mean "seed"?'],
    server: 'unknown field "spec.sed"',
  },
  {
    name: 'unknown field far from any known one',
    text: broken('base: {init: {}}', 'base: {init: {}, colour: red}'),
    expected: ['spec.base.colour: unknown field "colour"; known: init, path, hf, pvc'],
    server: 'unknown field "spec.base.colour"',
  },
  {
    name: 'wrong type',
    text: broken('steps: 3}}', 'steps: many}}'),
    expected: ['spec.stages[0].pretrain.steps: found "many", expected an integer from 1 to 1000000000'],
    server: 'spec.stages[0].pretrain.steps in body must be of type integer: "string"',
  },
  {
    name: 'missing field',
    text: broken('pretrain: {data: [sums], steps: 3}', 'pretrain: {steps: 3}'),
    expected: ['spec.stages[0].pretrain.data: found nothing, expected a list'],
    server: 'spec.stages[0].pretrain.data: Required value',
  },
  {
    name: 'a linear map that there is not, and a rank of 0',
    text: broken('steps: 3}}', 'steps: 3, lora: {rank: 0, targets: [q_proj, qkv_proj]}}}'),
    expected: [
      'spec.stages[0].pretrain.lora.rank: found 0, expected an integer from 1 to 1024',
      'spec.stages[0].pretrain.lora.targets[1]: found "qkv_proj", expected one of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj',
    ],
    server: 'spec.stages[0].pretrain.lora.rank in body should be greater than or equal to 1',
  },
  {
    name: 'unknown choice',
    text: broken('task: addition', 'task: multiplication'),
    expected: [
      'spec.datasets[0].generator.task: found "multiplication", expected one of mixture, addition, facts, greetings, preferences, safety',
    ],
    server:
      'spec.datasets[0].generator.task: Unsupported value: "multiplication": supported values: "mixture", "addition"',
  },
  {
    name: 'stage that does not exist',
    text: broken('{from: pretrained}', '{from: pretrain}'),
    expected: ['spec.stages[1].model.from: found "pretrain", expected an earlier pretrain, grpo or sft stage'],
  },
  {
    name: 'cycle',
    text: broken('name: pretrained,', 'name: pretrained, model: {from: zero},'),
    expected: ['spec.stages[0].model.from: found "zero", expected an earlier pretrain, grpo or sft stage'],
  },
  {
    name: 'stage that starts from itself',
    text: broken('{from: pretrained}', '{from: zero}'),
    expected: ['spec.stages[1].model.from: found "zero", expected an earlier pretrain, grpo or sft stage'],
  },
  {
    name: 'data of a stage that gives a model',
    text: broken('data: [samples]', 'data: [sums, zero]'),
    expected: [
      'spec.stages[3].sft.data[1]: found "zero", expected a dataset, or an earlier review stage or sample stage without pairs or labels',
    ],
  },
  {
    name: 'every unknown dataset of a list',
    text: broken('prompts: [sums], steps', 'prompts: [a, sums, b], steps'),
    expected: [
      'spec.stages[1].grpo.prompts[0]: found "a", expected a dataset',
      'spec.stages[1].grpo.prompts[2]: found "b", expected a dataset',
    ],
  },
  {
    name: 'reward model that is none',
    text: broken('{accuracy: {}}', '{accuracy: {}}, {rewardModel: {from: pretrained}}'),
    expected: [
      'spec.stages[1].grpo.rewards[1].rewardModel.from: found "pretrained", expected an earlier rewardModel stage',
    ],
  },
  {
    name: 'teacher that is no model',
    text: broken('steps: 3, rewards', 'steps: 3, distillation: {from: samples}, rewards'),
    expected: [
      'spec.stages[1].grpo.distillation.from: found "samples", expected an earlier pretrain, grpo or sft stage',
    ],
  },
  {
    name: 'pass rates of what does not sample',
    text: broken('steps: 3, rewards', 'steps: 3, curriculum: {from: pretrained}, rewards'),
    expected: ['spec.stages[1].grpo.curriculum.from: found "pretrained", expected an earlier sample stage'],
  },
  {
    name: 'judge that is no model',
    text: broken('{accuracy: {}}', '{accuracy: {}}, {judge: {from: samples}}'),
    expected: [
      'spec.stages[1].grpo.rewards[1].judge.from: found "samples", expected an earlier pretrain, grpo or sft stage',
    ],
  },
  {
    name: 'requirement of a stage that comes later',
    text: broken('sample: {', 'requires: [{stage: student, metric: kept, atLeast: 1}], sample: {'),
    expected: ['spec.stages[2].requires[0].stage: found "student", expected an earlier stage'],
  },
  {
    name: 'requirement with two bounds',
    text: broken('sample: {', 'requires: [{stage: zero, metric: reward, atLeast: 1, atMost: 2}], sample: {'),
    expected: [
      'spec.stages[2].requires[0]: exactly one bound of atLeast, atMost must be set (found atLeast: 1, atMost: 2)',
    ],
  },
  {
    name: 'evaluation set of a sample stage that is no dataset',
    text: broken('sample: {', 'sample: {decontaminate: [sums, zero], '),
    expected: ['spec.stages[2].sample.decontaminate[1]: found "zero", expected a dataset'],
  },
  {
    name: 'given completions of what is not sampled, and thoughts of none',
    text: broken('sample: {', 'sample: {given: [other], thoughts: {}, '),
    expected: ['spec.stages[2].sample: given: expected datasets that are among prompts (found none)'],
  },
  {
    name: 'judge of rows that is no model',
    text: broken('sample: {', 'sample: {judge: {from: samples}, '),
    expected: ['spec.stages[2].sample.judge.from: found "samples", expected an earlier pretrain, grpo or sft stage'],
  },
  {
    name: 'ranking by a judge that is not there',
    text: broken('sample: {', 'sample: {rank: [judge], '),
    expected: ['spec.stages[2].sample: rank: judge is the score of sample.judge; expected it, too (found none)'],
  },
  {
    name: 'judge of pairs that is no model, and pairs that nobody can learn completions from',
    text: broken('sample: {', 'sample: {pairs: {judge: {from: samples}}, '),
    expected: [
      'spec.stages[2].sample.pairs.judge.from: found "samples", expected an earlier pretrain, grpo or sft stage',
      'spec.stages[3].sft.data[0]: found "samples", expected a dataset, or an earlier review stage or sample stage without pairs or labels',
    ],
  },
  {
    name: 'labels beside pairs, and labelled completions where pairs and good ones are needed',
    text: broken('sample: {', 'sample: {labels: {judge: {from: other}}, rewardModel: zero, '),
    expected: [
      /^spec.stages\[2\].sample: labels: are made of all that the filters let through; expected no judge, pairs or/,
      'spec.stages[2].sample.labels.judge.from: found "other", expected an earlier pretrain, grpo or sft stage',
      'spec.stages[2].sample.rewardModel: found "zero", expected an earlier rewardModel stage',
      'spec.stages[3].sft.data[0]: found "samples", expected a dataset, or an earlier review stage or sample stage without pairs or labels',
    ],
    // The rules of the schema come before those of the policy.
    server: 'labels: are made of all that the filters let through',
  },
  {
    name: 'labels for completions that are good and bad at once',
    text: broken('sample: {', 'sample: {labels: {judge: {from: zero}, atLeast: 0.4, atMost: 0.4}, '),
    expected: [
      /^spec.stages\[2\].sample.labels: atMost: what is good is not bad, too; expected less than atLeast/,
      'spec.stages[3].sft.data[0]: found "samples", expected a dataset, or an earlier review stage or sample stage without pairs or labels',
    ],
    server: 'atMost: what is good is not bad, too; expected less than atLeast',
  },
  {
    name: 'completions where pairs are needed',
    text: broken('sft: {data: [samples]}', 'rewardModel: {pairs: [samples]}'),
    expected: [
      'spec.stages[3].rewardModel.pairs[0]: found "samples", expected a dataset or an earlier sample stage with pairs',
    ],
  },
  {
    name: 'a reward model of pairs and labels',
    text: broken('sft: {data: [samples]}', 'rewardModel: {pairs: [sums], labelled: [sums]}'),
    expected: [/^spec.stages\[3\].rewardModel: exactly one data of pairs, labelled must be set/],
  },
  {
    name: 'labels of a stage that makes none',
    text: broken('sft: {data: [samples]}', 'rewardModel: {labelled: [samples]}'),
    expected: [
      'spec.stages[3].rewardModel.labelled[0]: found "samples", expected a dataset or an earlier sample stage with labels',
    ],
  },
  {
    name: 'a comparison with what is no reward model',
    text: broken('sft: {data: [samples]}', 'rewardModel: {pairs: [sums], compareWith: zero}'),
    expected: ['spec.stages[3].rewardModel.compareWith: found "zero", expected an earlier rewardModel stage'],
  },
  {
    name: 'a centre of labelled scores',
    text: broken('sft: {data: [samples]}', 'rewardModel: {labelled: [sums], centerRewardsCoefficient: 0.1}'),
    expected: [/^spec.stages\[3\].rewardModel: centerRewardsCoefficient: labels say where 0 is/],
  },
  {
    name: 'gate that looks at a stage further down',
    text: broken('steps: 3}}', 'steps: 3}, gate: {metric: m, notBelow: {stage: zero}}}'),
    expected: ['spec.stages[0].gate.notBelow.stage: found "zero", expected an earlier stage'],
  },
  {
    name: 'default evaluation on unknown data',
    text: manifest(`${fourStages}defaults: {evaluation: {data: [sum]}}`),
    expected: ['spec.defaults.evaluation.data[0]: found "sum", expected a dataset'],
  },
  {
    name: 'no base where one is needed',
    text: broken('base: {init: {}}\n', ''),
    expected: ['spec.stages[0].model: found nothing in a pipeline without base, expected a model or spec.base'],
  },
  {
    name: 'two stages of one name',
    text: broken('name: student', 'name: zero'),
    expected: ['spec.stages[3].name: found a second "zero", expected each name once'],
    server: 'spec.stages[3]: Duplicate value: {"name":"zero"}',
  },
  {
    name: 'stage with the name of a dataset',
    text: broken('name: student', 'name: sums'),
    expected: ['spec.stages[3].name: found "sums", expected a name that no dataset has'],
  },
  {
    name: 'two stage types',
    text: broken('sft: {data: [samples]}', 'sft: {data: [samples]}, evaluate: {data: [sums]}'),
    expected: [/^spec.stages\[3\]: exactly one type of pretrain, .*must be set \(found sft, evaluate\)/],
  },
  {
    name: 'settings that contradict each other',
    text: broken('init: {}', 'init: {heads: 3}'),
    expected: [
      'spec.base.init: hiddenSize must be an even multiple of heads (found hiddenSize: 128, heads: 3)',
      'spec.base.init: heads must be a multiple of kvHeads (found heads: 3, kvHeads: 2)',
    ],
  },
  {
    name: 'name that Kubernetes refuses',
    text: manifest(fourStages).replace('{name: test}', '{name: My_Pipeline}'),
    expected: [/^metadata.name: found "My_Pipeline", expected text/],
    server: 'metadata.name: Invalid value: "My_Pipeline"',
  },
  {
    name: 'name that is too long to name stages after it',
    text: manifest(fourStages).replace('{name: test}', `{name: ${'a'.repeat(64)}}`),
    expected: [/^metadata.name must be at most 63/],
    server: 'metadata.name must be at most 63 lower-case letters, digits and hyphens',
  },
  {
    name: 'quantity',
    text: manifest(`${fourStages}storage: {size: 10 GB}`),
    expected: ['spec.storage.size: found "10 GB", expected a quantity such as 10Gi or 500m'],
    server: 'spec.storage.size: Invalid value: "10 GB"',
  },
  {
    name: 'chat template that is given twice',
    text: manifest(`${fourStages}defaults: {chat: {template: "{{ 1 }}", templateFile: chat.jinja}}`),
    expected: [/^spec.defaults.chat: template and templateFile both give the chat template: leave one of them out/],
  },
  {
    name: 'volume from nowhere',
    text: manifest(`${fourStages}volumes: [{path: data}]`),
    expected: ['spec.volumes[0]: exactly one source of configMap, claim must be set (found none)'],
  },
  {
    name: 'volume from two sources',
    text: manifest(`${fourStages}volumes: [{path: data, configMap: chat, claim: chat}]`),
    expected: [/^spec.volumes\[0\]: exactly one source of configMap, claim must be set/],
  },
  {
    name: 'volume that leaves the files of the manifest',
    text: manifest(`${fourStages}volumes: [{path: data/../.., configMap: chat}]`),
    expected: [/^spec.volumes\[0\]: path and subPath must not have . or .. as a part/],
  },
  {
    name: 'volume at an absolute path',
    text: manifest(`${fourStages}volumes: [{path: /etc, configMap: chat}]`),
    expected: [/^spec.volumes\[0\].path: found "\/etc", expected text/],
    server: 'spec.volumes[0].path: Invalid value: "/etc"',
  },
  {
    name: 'two volumes at one path',
    text: manifest(`${fourStages}volumes: [{path: data, configMap: a}, {path: data, claim: b}]`),
    expected: ['spec.volumes[1].path: found a second "data", expected each path once'],
    server: 'spec.volumes[1]: Duplicate value: {"path":"data"}',
  },
  {
    name: 'name of an object that no object can have',
    text: manifest(`${fourStages}imagePullSecrets: [My_Secret]`),
    expected: [
      'spec.imagePullSecrets[0]: found "My_Secret", expected text of 1 to 253 characters, of lower-case letters, digits, hyphens and dots',
    ],
    server: 'spec.imagePullSecrets[0]: Invalid value: "My_Secret"',
  },
  {
    name: 'model from two places',
    text: broken('base: {init: {}}', 'base: {init: {}, path: model}'),
    expected: [/^spec.base: exactly one source of init, path, hf, pvc must be set/],
  },
  {
    name: 'affinity that is no object',
    text: manifest(`${fourStages}defaults: {affinity: [gpu]}`),
    expected: ['spec.defaults.affinity: found a list, expected a map'],
    server: 'spec.defaults.affinity in body must be of type object: "array"',
  },
  {
    name: 'grace period below zero',
    text: manifest(`${fourStages}defaults: {terminationGracePeriodSeconds: -1}`),
    expected: ['spec.defaults.terminationGracePeriodSeconds: found -1, expected an integer from 0 to 1000000'],
    server: 'spec.defaults.terminationGracePeriodSeconds in body should be greater than or equal to 0',
  },
  {
    name: 'retention that does not exist',
    text: manifest(`${fourStages}storage: {retention: Keep}`),
    expected: ['spec.storage.retention: found "Keep", expected one of RetainFailed, Delete, Retain'],
    server: 'spec.storage.retention: Unsupported value: "Keep": supported values: "RetainFailed", "Delete", "Retain"',
  },
  {
    name: 'time to live that is a fraction',
    text: manifest(`${fourStages}ttlSecondsAfterFinished: 0.5`),
    expected: ['spec.ttlSecondsAfterFinished: found 0.5, expected an integer from 0 to 1000000000'],
    server: 'spec.ttlSecondsAfterFinished in body must be of type integer: "number"',
  },
  {
    name: 'gate with two bounds',
    text: broken('steps: 3}}', 'steps: 3}, gate: {metric: m, atLeast: 1, approval: true}}'),
    expected: [
      'spec.stages[0].gate: exactly one bound of atLeast, atMost, notBelow, approval must be set (found atLeast: 1, approval: true)',
    ],
  },
  {
    name: 'gate with a bound on nothing',
    text: broken('steps: 3}}', 'steps: 3}, gate: {atLeast: 1}}'),
    expected: ['spec.stages[0].gate: metric must be set, unless a person decides (found atLeast: 1)'],
  },
  {
    name: 'approval that nobody gives',
    text: broken('steps: 3}}', 'steps: 3}, gate: {approval: false}}'),
    expected: ['spec.stages[0].gate.approval: found false, expected true'],
    server: 'spec.stages[0].gate.approval: Unsupported value: false: supported values: "true"',
  },
  {
    name: 'approval that changes nothing',
    text: broken('steps: 3}}', 'steps: 3}, gate: {approval: true, onFailure: Continue}}'),
    expected: [/^spec.stages\[0\].gate: approval always waits for a person, whatever onFailure says/],
  },
  {
    name: 'rollback to a model that a stage does not give',
    text: broken(
      'sample: {prompts: [sums]}',
      'sample: {prompts: [sums]}, gate: {metric: m, atLeast: 1, onFailure: Rollback}',
    ),
    expected: [/^spec.stages\[2\]: gate.onFailure: Rollback needs a stage whose model others can use/],
  },
  {
    name: 'review of a model',
    text: broken('{init: {hiddenSize: 64}}, sft: {data: [samples]}', '{from: zero}, review: {data: samples}'),
    expected: [/^spec.stages\[3\]: a review stage uses no model/],
  },
  {
    name: 'greedy completions in a group',
    text: broken('steps: 3, rewards', 'steps: 3, sampling: {temperature: 0}, rewards'),
    expected: [/^spec.stages\[1\].grpo: sampling.temperature must be at least 0.01/],
  },
  {
    name: 'nearly greedy completions in a group',
    text: broken('steps: 3, rewards', 'steps: 3, sampling: {temperature: 0.001}, rewards'),
    expected: [/^spec.stages\[1\].grpo: sampling.temperature must be at least 0.01/],
  },
  {
    name: 'a nucleus of one token',
    text: broken('steps: 3, rewards', 'steps: 3, sampling: {topP: 0}, rewards'),
    expected: [/^spec.stages\[1\].grpo: sampling.topP must be greater than 0 and sampling.topK must not be 1/],
  },
  {
    name: 'one token to choose from',
    text: broken('steps: 3, rewards', 'steps: 3, sampling: {topK: 1}, rewards'),
    expected: [/^spec.stages\[1\].grpo: sampling.topP must be greater than 0 and sampling.topK must not be 1/],
  },
  {
    name: 'a dual clip that would stop every token',
    text: broken('steps: 3, rewards', 'steps: 3, clip: {dual: 1}, rewards'),
    expected: [/^spec.stages\[1\].grpo: clip.dual must be greater than 1/],
  },
  {
    name: 'a dual clip of a loss that has none',
    text: broken('steps: 3, rewards', 'steps: 3, loss: cispo, clip: {dual: 3}, rewards'),
    expected: [/^spec.stages\[1\].grpo: clip.dual: the loss cispo has one bound of the ratio, clip.high/],
  },
  {
    name: 'a bias correction of a KL in the reward',
    text: broken('steps: 3, rewards', 'steps: 3, kl: {place: reward, biasCorrection: true}, rewards'),
    expected: [/^spec.stages\[1\].grpo: kl.biasCorrection needs the ratio of each token, in the loss/],
  },
  {
    name: 'a mean of adapters',
    text: broken('steps: 3, rewards', 'steps: 3, lora: {}, kl: {referenceMixup: 0.6}, rewards'),
    expected: [/^spec.stages\[1\].grpo: kl.referenceMixup: the mean of two adapters is not the adapter of the mean/],
  },
  {
    name: 'a guard that does not look at the last step',
    text: broken('steps: 3, rewards', 'steps: 3, guard: {data: [sums], every: 2}, rewards'),
    expected: [/^spec.stages\[1\].grpo: guard.every must divide steps: the last step is looked at, too/],
  },
  {
    name: 'a guard that reads answers of a dataset that it does not ask',
    text: broken(
      'steps: 3, rewards',
      'steps: 3, guard: {data: [sums], every: 3, answers: [{dataset: other}]}, rewards',
    ),
    expected: [/^spec.stages\[1\].grpo: guard.answers: dataset must be one of guard.data/],
  },
  {
    name: 'a guard of an unknown dataset',
    text: broken('steps: 3, rewards', 'steps: 3, guard: {data: [other], every: 3}, rewards'),
    expected: ['spec.stages[1].grpo.guard.data[0]: found "other", expected a dataset'],
  },
  {
    name: 'a guard that is the reward model which is paid by',
    text: broken(
      'steps: 3, rewards: [',
      'steps: 3, guard: {data: [sums], every: 3, rewardModel: {from: x}}, rewards: [{rewardModel: {from: x}}, ',
    ),
    expected: [
      /^spec.stages\[1\].grpo: guard.rewardModel must be another one than those of rewards/,
      'spec.stages[1].grpo.guard.rewardModel.from: found "x", expected an earlier rewardModel stage',
      'spec.stages[1].grpo.rewards[0].rewardModel.from: found "x", expected an earlier rewardModel stage',
    ],
    // The rules of the schema come before those of the policy.
    server: 'guard.rewardModel must be another one than those of rewards',
  },
  {
    name: 'a guard that is no reward model',
    text: broken(
      'steps: 3, rewards',
      'steps: 3, guard: {data: [sums], every: 3, rewardModel: {from: pretrained}}, rewards',
    ),
    expected: ['spec.stages[1].grpo.guard.rewardModel.from: found "pretrained", expected an earlier rewardModel stage'],
  },
  {
    name: 'a guard that is the judge which is paid by',
    text: broken(
      'steps: 3, rewards: [',
      'steps: 3, guard: {data: [sums], every: 3, judge: {from: pretrained}}, rewards: [{judge: {from: pretrained, by: comparison}}, ',
    ),
    expected: [/^spec.stages\[1\].grpo: guard.judge.from must be another one than those of rewards/],
  },
  {
    name: 'a guard that asks the server which is paid by',
    text: broken(
      'steps: 3, rewards: [',
      "steps: 3, guard: {data: [sums], every: 3, judge: {endpoint: {url: 'http://judge/v1', model: j}, scale: 5}}, rewards: [{judge: {endpoint: {url: 'http://judge/v1', model: j}}}, ",
    ),
    expected: [/^spec.stages\[1\].grpo: guard.judge.endpoint must be another server or model than those of rewards/],
  },
  {
    name: 'a guard that judges in two ways',
    text: broken(
      'steps: 3, rewards',
      'steps: 3, guard: {data: [sums], every: 3, answers: [{dataset: sums}], judge: {from: pretrained}}, rewards',
    ),
    expected: [/^spec.stages\[1\].grpo: guard: answers belong to verifiers; expected one of answers, rewardModel and/],
  },
  {
    name: 'a guard that is no judge',
    text: broken('steps: 3, rewards', 'steps: 3, guard: {data: [sums], every: 3, judge: {from: other}}, rewards'),
    expected: ['spec.stages[1].grpo.guard.judge.from: found "other", expected an earlier pretrain, grpo or sft stage'],
  },
  {
    name: 'a band of an entropy that has no bonus',
    text: broken('steps: 3, rewards', 'steps: 3, entropy: {band: {low: 0.1, high: 1}}, rewards'),
    expected: [/^spec.stages\[1\].grpo: entropy.band needs a coefficient above 0, and low below high/],
  },
  {
    name: 'a weight of a dataset that is not drawn from',
    text: broken('steps: 3, rewards', 'steps: 3, promptWeights: [{dataset: other, weight: 2}], rewards'),
    expected: [/^spec.stages\[1\].grpo: promptWeights: dataset must be one of prompts/],
  },
  {
    name: 'a schedule of lengths beyond the longest',
    text: broken('steps: 3, rewards', 'steps: 3, lengthSchedule: [{untilStep: 2, maxNewTokens: 9000}], rewards'),
    expected: [/^spec.stages\[1\].grpo: lengthSchedule: maxNewTokens must be less than sampling.maxNewTokens/],
  },
  {
    name: 'no stages',
    text: manifest('stages: []'),
    expected: ['spec.stages: found 0 items, expected 1 to 32 items'],
    server: 'spec.stages in body should have at least 1 items',
  },
  {
    name: 'no spec',
    text: 'apiVersion: r1.dev/v1alpha1\nkind: R1Pipeline\nmetadata: {name: test}\n',
    expected: [/^spec: found nothing, expected an object with suspend, image/],
    server: 'spec: Required value',
  },
  {
    name: 'lone stage without a type',
    text: 'apiVersion: r1.dev/v1alpha1\nkind: R1Stage\nmetadata: {name: test}\nspec: {pipeline: lone, stage: test}\n',
    expected: [/^spec: exactly one type of pretrain, grpo, sft, .* must be set/],
  },
  {
    name: 'lone stage whose input is not pinned',
    text: 'apiVersion: r1.dev/v1alpha1\nkind: R1Stage\nmetadata: {name: test}\nspec: {pipeline: lone, stage: test, model: {input: {stage: a, path: data}}, evaluate: {data: [sums]}}\n',
    expected: ['spec.model.input.digest: found nothing, expected text of 0 to 64 characters, of 64 hexadecimal digits'],
    server: 'spec.model.input.digest: Required value',
  },
];
