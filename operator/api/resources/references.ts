import type { Rule } from '../../../trainer/contract/settings/schema.ts';
import { stageTypes, type StageType } from '../../../trainer/contract/settings/settings.ts';

/*
 * The names in a pipeline stand for datasets and for stages further up. CEL has no numbers to loop over but those that are
 * written down, hence the literal indices.
 */

/** The most stages that a pipeline may have. */
export const maxStages = 32;

const indices = `[${Array.from({ length: maxStages }, (_, index) => index).join(',')}]`;
/** Lists of names and of rewards in a stage hold at most 16 items. */
const itemIndices = `[${Array.from({ length: 16 }, (_, index) => index).join(',')}]`;

/** A place in a stage that names things. */
interface Reference {
  /** Below the stage; a list of names if `list` is set. */
  readonly path: string;
  readonly list?: true;
  /** CEL: the place is there in stage `s`. */
  readonly isSet: (s: string) => string;
  /** What the names may stand for. */
  readonly datasets?: true;
  readonly stages?: readonly StageType[];
  /** CEL: what else is so of stage `s`. */
  readonly fits?: (s: string) => string;
  /** The same in words. */
  readonly expected: string;
}

type Target = Pick<Reference, 'datasets' | 'stages' | 'fits'>;

const aDataset = { list: true, datasets: true, expected: 'a dataset' } as const;
const aModel = { stages: ['pretrain', 'grpo', 'sft'], expected: 'an earlier pretrain, grpo or sft stage' } as const;
const aRewardModel = { stages: ['rewardModel'], expected: 'an earlier rewardModel stage' } as const;

const isForPolicies = (s: string): string =>
  `!(has(${s}.sample) && (has(${s}.sample.pairs) || has(${s}.sample.labels)))`;

const references: readonly Reference[] = [
  {
    ...aModel,
    path: 'model.from',
    isSet: (s) => `has(${s}.model) && has(${s}.model.from)`,
  },
  { ...aDataset, path: 'pretrain.data', isSet: (s) => `has(${s}.pretrain)` },
  { ...aDataset, path: 'grpo.prompts', isSet: (s) => `has(${s}.grpo)` },
  { ...aDataset, path: 'grpo.guard.data', isSet: (s) => `has(${s}.grpo) && has(${s}.grpo.guard)` },
  {
    path: 'grpo.curriculum.from',
    isSet: (s) => `has(${s}.grpo) && has(${s}.grpo.curriculum) && has(${s}.grpo.curriculum.from)`,
    stages: ['sample'],
    expected: 'an earlier sample stage',
  },
  {
    ...aRewardModel,
    path: 'grpo.guard.rewardModel.from',
    isSet: (s) => `has(${s}.grpo) && has(${s}.grpo.guard) && has(${s}.grpo.guard.rewardModel)`,
  },
  {
    ...aModel,
    path: 'grpo.guard.judge.from',
    isSet: (s) =>
      `has(${s}.grpo) && has(${s}.grpo.guard) && has(${s}.grpo.guard.judge) && has(${s}.grpo.guard.judge.from)`,
  },
  {
    ...aModel,
    path: 'grpo.distillation.from',
    isSet: (s) => `has(${s}.grpo) && has(${s}.grpo.distillation)`,
  },
  {
    path: 'sft.data',
    list: true,
    isSet: (s) => `has(${s}.sft)`,
    datasets: true,
    stages: ['sample', 'review'],
    fits: isForPolicies,
    expected: 'a dataset, or an earlier review stage or sample stage without pairs or labels',
  },
  { ...aDataset, path: 'sample.prompts', isSet: (s) => `has(${s}.sample)` },
  {
    ...aDataset,
    path: 'sample.decontaminate',
    isSet: (s) => `has(${s}.sample) && has(${s}.sample.decontaminate)`,
  },
  { ...aRewardModel, path: 'sample.rewardModel', isSet: (s) => `has(${s}.sample) && has(${s}.sample.rewardModel)` },
  {
    ...aModel,
    path: 'sample.judge.from',
    isSet: (s) => `has(${s}.sample) && has(${s}.sample.judge) && has(${s}.sample.judge.from)`,
  },
  {
    ...aModel,
    path: 'sample.pairs.judge.from',
    isSet: (s) => `has(${s}.sample) && has(${s}.sample.pairs) && has(${s}.sample.pairs.judge.from)`,
  },
  {
    ...aModel,
    path: 'sample.labels.judge.from',
    isSet: (s) => `has(${s}.sample) && has(${s}.sample.labels) && has(${s}.sample.labels.judge.from)`,
  },
  {
    path: 'rewardModel.pairs',
    list: true,
    isSet: (s) => `has(${s}.rewardModel) && has(${s}.rewardModel.pairs)`,
    datasets: true,
    stages: ['sample'],
    fits: (s) => `has(${s}.sample.pairs)`,
    expected: 'a dataset or an earlier sample stage with pairs',
  },
  {
    path: 'rewardModel.labelled',
    list: true,
    isSet: (s) => `has(${s}.rewardModel) && has(${s}.rewardModel.labelled)`,
    datasets: true,
    stages: ['sample'],
    fits: (s) => `has(${s}.sample.labels)`,
    expected: 'a dataset or an earlier sample stage with labels',
  },
  {
    ...aRewardModel,
    path: 'rewardModel.compareWith',
    isSet: (s) => `has(${s}.rewardModel) && has(${s}.rewardModel.compareWith)`,
  },
  {
    path: 'review.data',
    isSet: (s) => `has(${s}.review)`,
    stages: ['sample'],
    fits: isForPolicies,
    expected: 'an earlier sample stage without pairs or labels',
  },
  { ...aDataset, path: 'evaluate.data', isSet: (s) => `has(${s}.evaluate)` },
  { ...aDataset, path: 'evaluation.data', isSet: (s) => `has(${s}.evaluation)` },
  {
    path: 'gate.notBelow.stage',
    isSet: (s) => `has(${s}.gate) && has(${s}.gate.notBelow)`,
    stages: stageTypes,
    expected: 'an earlier stage',
  },
];

const stage = (index: string): string => `self.stages[${index}]`;

/** CEL: `name`, written in the stage of index `i`, stands for what it may. Only stages above count: no cycle can be written. */
function resolves(name: string, i: string, { datasets, stages, fits }: Target): string {
  const parts: string[] = [];
  if (datasets) parts.push(`self.datasets.exists(d, d.name == ${name})`);
  if (stages) {
    const types = stages.map((type) => `has(${stage('j')}.${type})`).join(' || ');
    const isOne = stages.length === stageTypes.length ? '' : ` && (${types})`;
    const also = fits === undefined ? '' : ` && ${fits(stage('j'))}`;
    parts.push(`${indices}.exists(j, j < ${i} && ${stage('j')}.name == ${name}${isOne}${also})`);
  }
  return parts.length === 1 ? parts.join('') : `(${parts.join(' || ')})`;
}

/** CEL: the beginning of a message about the stage of index `i`: its path, and the colon of `found` follows. */
function at(i: string, path: string): string {
  return `'spec.stages[' + string(${i}) + '].${path}`;
}

/** CEL: `: found "<name>", expected <what>'`, to follow a path. */
function found(name: string, expected: string): string {
  return `: found "' + ${name} + '", expected ${expected}'`;
}

/** A rule with a message for each offender; `problems` as in Rule. */
function rule(message: string, problems: string): Rule {
  return { rule: `size(${problems}) == 0`, message, problems };
}

/**
 * A rule about every stage, all in CEL.
 *
 * @param bad what makes the stage of index `i` bad
 * @param told the list of messages about the stage of index `i`
 */
function stageRule(message: string, bad: string, told: string): Rule {
  return rule(message, `${indices}.filter(i, i < size(self.stages) && ${bad}).map(i, ${told})`);
}

/** A rule of which `self` is a stage, for all stages of a spec. */
export function ofEveryStage({ rule: valid, message }: Rule): Rule {
  const bad = `!(${valid.replaceAll(/\bself\b/g, stage('i'))})`;
  return stageRule(message, bad, `['spec.stages[' + string(i) + ']: ${message}']`);
}

/**
 * The same about a list in the stage, of which every bad item has a message.
 *
 * `below` is where an item holds the name, and `names` whether it does.
 */
function itemRule(options: {
  readonly message: string;
  readonly isSet: Reference['isSet'];
  readonly path: string;
  readonly below?: string;
  readonly names?: (item: string) => string;
  readonly target: Target & Pick<Reference, 'expected'>;
}): Rule {
  const { message, isSet, path, below = '', names, target } = options;
  const items = `${stage('i')}.${path}`;
  const name = `${items}[n]${below}`;
  const named = names === undefined ? '' : `${names(`${items}[n]`)} && `;
  const isBad = `n < size(${items}) && ${named}!${resolves(name, 'i', target)}`;
  const told = `${at('i', path)}[' + string(n) + ']${below}${found(name, target.expected)}`;
  return stageRule(
    message,
    `${isSet(stage('i'))} && ${itemIndices}.exists(n, ${isBad})`,
    `${itemIndices}.filter(n, ${isBad}).map(n, ${told})`,
  );
}

function referenceRule(reference: Reference): Rule {
  const { path, list, isSet, expected } = reference;
  const message = `${path} of a stage must name ${expected}`;
  if (list) return itemRule({ message, isSet, path, target: reference });
  const place = `${stage('i')}.${path}`;
  const bad = `${isSet(stage('i'))} && !${resolves(place, 'i', reference)}`;
  return stageRule(message, bad, `[${at('i', path)}${found(place, expected)}]`);
}

const rewardModelsOfRewards = itemRule({
  message: `rewardModel.from of a reward must name ${aRewardModel.expected}`,
  isSet: (s) => `has(${s}.grpo)`,
  path: 'grpo.rewards',
  below: '.rewardModel.from',
  names: (item) => `has(${item}.rewardModel)`,
  target: aRewardModel,
});

const judgesOfRewards = itemRule({
  message: `judge.from of a reward must name ${aModel.expected}`,
  isSet: (s) => `has(${s}.grpo)`,
  path: 'grpo.rewards',
  below: '.judge.from',
  names: (item) => `has(${item}.judge) && has(${item}.judge.from)`,
  target: aModel,
});

const requirements = itemRule({
  message: 'requires of a stage must name earlier stages',
  isSet: (s) => `has(${s}.requires)`,
  path: 'requires',
  below: '.stage',
  target: { stages: stageTypes, expected: 'an earlier stage' },
});

const namesOfTheirOwn = stageRule(
  'stages and datasets share one namespace',
  `self.datasets.exists(d, d.name == ${stage('i')}.name)`,
  `[${at('i', 'name')}${found(`${stage('i')}.name`, 'a name that no dataset has')}]`,
);

const baseWhereNeeded = stageRule(
  'base must be set when a stage starts from it',
  `!has(self.base) && !has(${stage('i')}.review) && !has(${stage('i')}.model)`,
  `[${at('i', 'model')}: found nothing in a pipeline without base, expected a model or spec.base']`,
);

const datasetsOfDefaults: Rule = (() => {
  const data = 'self.defaults.evaluation.data';
  const isBad = `n < size(${data}) && !self.datasets.exists(d, d.name == ${data}[n])`;
  const told = `['spec.defaults.evaluation.data[' + string(n) + ']${found(`${data}[n]`, 'a dataset')}]`;
  return rule(
    'defaults.evaluation.data must name datasets',
    `(has(self.defaults.evaluation) ? ${itemIndices}.filter(n, ${isBad}).map(n, ${told}) : [])`,
  );
})();

/** The cross-references of a pipeline; `self` is its spec. */
export const referenceRules: readonly Rule[] = [
  namesOfTheirOwn,
  baseWhereNeeded,
  ...references.map(referenceRule),
  rewardModelsOfRewards,
  judgesOfRewards,
  requirements,
  datasetsOfDefaults,
];
