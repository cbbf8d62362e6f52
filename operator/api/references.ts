import type { Rule } from '../../trainer/contract/schema.ts';
import type { StageType } from '../../trainer/contract/settings.ts';

/** What a name in a stage may stand for. */
interface Target {
  readonly datasets: boolean;
  readonly stages: readonly StageType[];
  /** In the words of a message. */
  readonly expected: string;
}

const aDataset: Target = { datasets: true, stages: [], expected: 'a dataset' };
const aModel: Target = {
  datasets: false,
  stages: ['pretrain', 'grpo', 'sft'],
  expected: 'an earlier pretrain, grpo or sft stage',
};
const aRewardModel: Target = {
  datasets: false,
  stages: ['rewardModel'],
  expected: 'an earlier rewardModel stage',
};

/** Types of the stages that write rows, which later stages use as they use datasets. */
export const dataStageTypes = ['sample', 'review'] as const satisfies readonly StageType[];

/** Every place in a stage that holds a list of names, and what they may stand for. */
const lists: readonly (Target & { has: string; path: string })[] = [
  { ...aDataset, has: 'has(s.pretrain)', path: 'pretrain.data' },
  { ...aDataset, has: 'has(s.grpo)', path: 'grpo.prompts' },
  {
    datasets: true,
    stages: dataStageTypes,
    expected: 'a dataset or an earlier sample or review stage',
    has: 'has(s.sft)',
    path: 'sft.data',
  },
  { ...aDataset, has: 'has(s.sample)', path: 'sample.prompts' },
  { ...aDataset, has: 'has(s.rewardModel)', path: 'rewardModel.pairs' },
  { ...aDataset, has: 'has(s.evaluate)', path: 'evaluate.data' },
  { ...aDataset, has: 'has(s.evaluation)', path: 'evaluation.data' },
];

/** Every place in a stage that holds one name. */
const singles: readonly (Target & { has: string; path: string })[] = [
  { ...aModel, has: 'has(s.model) && has(s.model.from)', path: 'model.from' },
  {
    datasets: false,
    stages: ['sample'],
    expected: 'an earlier sample stage',
    has: 'has(s.review)',
    path: 'review.data',
  },
  { ...aRewardModel, has: 'has(s.sample) && has(s.sample.rewardModel)', path: 'sample.rewardModel' },
  {
    datasets: false,
    stages: ['pretrain', 'grpo', 'sft', 'sample', 'rewardModel', 'review', 'evaluate'],
    expected: 'an earlier stage',
    has: 'has(s.gate) && has(s.gate.notBelow)',
    path: 'gate.notBelow.stage',
  },
];

const stageNames = 'self.stages.map(t, t.name)';
const datasetNames = 'self.datasets.map(t, t.name)';
const indexOfStage = `string(${stageNames}.indexOf(s.name))`;

/** CEL: `name`, written in stage `s`, stands for what `target` allows. Stages are looked for above `s` only, so no cycle can be written. */
function resolves(name: string, { datasets, stages }: Target): string {
  const parts: string[] = [];
  if (datasets) parts.push(`${name} in ${datasetNames}`);
  if (stages.length > 0) {
    const types = stages.map((type) => `has(t.${type})`).join(' || ');
    parts.push(
      `(self.stages.exists(t, t.name == ${name} && (${types})) && ${stageNames}.indexOf(${name}) < ${stageNames}.indexOf(s.name))`,
    );
  }
  return parts.join(' || ');
}

function listRule(list: (typeof lists)[number]): Rule {
  const items = `s.${list.path}`;
  const ok = resolves('n', list);
  return {
    rule: `self.stages.all(s, !(${list.has}) || ${items}.all(n, ${ok}))`,
    message: `${list.path} of a stage must name ${list.expected}`,
    messageExpression:
      `self.stages.filter(s, ${list.has}).map(s, ${items}.filter(n, !(${ok})).map(n, ` +
      `'stages[' + ${indexOfStage} + '].${list.path}[' + string(${items}.indexOf(n)) + ']: found "' + n + '", expected ${list.expected}').join('; '))` +
      `.filter(m, m != '').join('; ')`,
  };
}

function singleRule(single: (typeof singles)[number]): Rule {
  const name = `s.${single.path}`;
  const bad = `${single.has} && !(${resolves(name, single)})`;
  return {
    rule: `self.stages.all(s, !(${bad}))`,
    message: `${single.path} of a stage must name ${single.expected}`,
    messageExpression:
      `self.stages.filter(s, ${bad}).map(s, ` +
      `'stages[' + ${indexOfStage} + '].${single.path}: found "' + ${name} + '", expected ${single.expected}').join('; ')`,
  };
}

const rewardModelsOfRewards: Rule = (() => {
  const bad = `has(r.rewardModel) && !(${resolves('r.rewardModel.from', aRewardModel)})`;
  return {
    rule: `self.stages.all(s, !has(s.grpo) || s.grpo.rewards.all(r, !(${bad})))`,
    message: `grpo.rewards of a stage must name ${aRewardModel.expected}`,
    messageExpression:
      `self.stages.filter(s, has(s.grpo)).map(s, s.grpo.rewards.filter(r, ${bad}).map(r, ` +
      `'stages[' + ${indexOfStage} + '].grpo.rewards: found "' + r.rewardModel.from + '", expected ${aRewardModel.expected}').join('; '))` +
      `.filter(m, m != '').join('; ')`,
  };
})();

const namesOfTheirOwn: Rule = {
  rule: `self.stages.all(s, !(s.name in ${datasetNames}))`,
  message: 'stages and datasets share one namespace',
  messageExpression:
    `self.stages.filter(s, s.name in ${datasetNames}).map(s, ` +
    `'stages[' + ${indexOfStage} + '].name: found "' + s.name + '", expected a name that no dataset has').join('; ')`,
};

const datasetsOfDefaults: Rule = {
  rule: `!has(self.defaults.evaluation) || self.defaults.evaluation.data.all(n, n in ${datasetNames})`,
  message: 'defaults.evaluation.data must name a dataset',
  messageExpression:
    `self.defaults.evaluation.data.filter(n, !(n in ${datasetNames})).map(n, ` +
    `'defaults.evaluation.data[' + string(self.defaults.evaluation.data.indexOf(n)) + ']: found "' + n + '", expected a dataset').join('; ')`,
};

const baseWhereNeeded: Rule = (() => {
  const bad = '!has(s.review) && !has(s.model)';
  return {
    rule: `has(self.base) || self.stages.all(s, !(${bad}))`,
    message: 'base must be set when a stage starts from it',
    messageExpression:
      `self.stages.filter(s, ${bad}).map(s, ` +
      `'stages[' + ${indexOfStage} + '].model: found none in a pipeline without base, expected a model or spec.base').join('; ')`,
  };
})();

/** The cross-references of a pipeline; `self` is its spec. */
export const referenceRules: readonly Rule[] = [
  namesOfTheirOwn,
  baseWhereNeeded,
  ...singles.map(singleRule),
  ...lists.map(listRule),
  rewardModelsOfRewards,
  datasetsOfDefaults,
];
