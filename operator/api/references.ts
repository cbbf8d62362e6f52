import type { Rule } from '../../trainer/contract/schema.ts';
import { stageTypes, type StageType } from '../../trainer/contract/settings.ts';

/*
 * The names in a pipeline stand for datasets and for stages further up. The rules below are written for the cost
 * estimate of an API server (https://kubernetes.io/docs/reference/using-api/cel/#cost-estimation): it knows the sizes
 * of lists and strings of the schema and of literals, and takes everything computed, such as `self.stages.map(s,
 * s.name)` or `string(i)`, for endless. Hence the loops over literal indices, and digits that are looked up.
 */

/** The most stages that a pipeline may have. */
export const maxStages = 32;

const indices = `[${Array.from({ length: maxStages }, (_, index) => index).join(',')}]`;
const digits = `[${Array.from({ length: maxStages }, (_, index) => `'${index}'`).join(',')}]`;
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
  /** The same in words. */
  readonly expected: string;
}

const aDataset = { list: true, datasets: true, expected: 'a dataset' } as const;
const aRewardModel = { stages: ['rewardModel'], expected: 'an earlier rewardModel stage' } as const;

const references: readonly Reference[] = [
  {
    path: 'model.from',
    isSet: (s) => `has(${s}.model) && has(${s}.model.from)`,
    stages: ['pretrain', 'grpo', 'sft'],
    expected: 'an earlier pretrain, grpo or sft stage',
  },
  { ...aDataset, path: 'pretrain.data', isSet: (s) => `has(${s}.pretrain)` },
  { ...aDataset, path: 'grpo.prompts', isSet: (s) => `has(${s}.grpo)` },
  {
    path: 'sft.data',
    list: true,
    isSet: (s) => `has(${s}.sft)`,
    datasets: true,
    stages: ['sample', 'review'],
    expected: 'a dataset or an earlier sample or review stage',
  },
  { ...aDataset, path: 'sample.prompts', isSet: (s) => `has(${s}.sample)` },
  { ...aRewardModel, path: 'sample.rewardModel', isSet: (s) => `has(${s}.sample) && has(${s}.sample.rewardModel)` },
  { ...aDataset, path: 'rewardModel.pairs', isSet: (s) => `has(${s}.rewardModel)` },
  {
    path: 'review.data',
    isSet: (s) => `has(${s}.review)`,
    stages: ['sample'],
    expected: 'an earlier sample stage',
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
function resolves(name: string, i: string, { datasets, stages }: Pick<Reference, 'datasets' | 'stages'>): string {
  const parts: string[] = [];
  if (datasets) parts.push(`self.datasets.exists(d, d.name == ${name})`);
  if (stages) {
    const types = stages.map((type) => `has(${stage('j')}.${type})`).join(' || ');
    const fits = stages.length === stageTypes.length ? '' : ` && (${types})`;
    parts.push(`${indices}.exists(j, j < ${i} && ${stage('j')}.name == ${name}${fits})`);
  }
  return parts.length === 1 ? parts.join('') : `(${parts.join(' || ')})`;
}

/** CEL: the beginning of a message about the stage of index `i`: its path, and the colon of `found` follows. */
function at(i: string, path: string): string {
  return `'spec.stages[' + ${digits}[${i}] + '].${path}`;
}

/** CEL: `: found "<name>", expected <what>'`, to follow a path. */
function found(name: string, expected: string): string {
  return `: found "' + ${name} + '", expected ${expected}'`;
}

/** A rule about every stage: what makes that of index `i` bad, and the message about it. All in CEL. */
function stageRule(message: string, bad: string, told: string): Rule {
  const isBad = `i < size(self.stages) && ${bad}`;
  const every = `${indices}.filter(i, ${isBad}).map(i, ${told})`;
  return { rule: `!${indices}.exists(i, ${isBad})`, message, messageExpression: `${every}[0]`, everyMessage: every };
}

/**
 * The same about a list in the stage, of which every bad item has a message.
 *
 * `below` is where an item, of index `n`, holds the name, and `names` whether it does.
 */
function itemRule(options: {
  readonly message: string;
  readonly isSet: string;
  readonly path: string;
  readonly below?: string;
  readonly names?: string;
  readonly target: Pick<Reference, 'datasets' | 'stages' | 'expected'>;
}): Rule {
  const { message, isSet, path, below = '', names, target } = options;
  const items = `${stage('i')}.${path}`;
  const name = `${items}[n]${below}`;
  const isBad = `n < size(${items}) && ${names === undefined ? '' : `${names} && `}!${resolves(name, 'i', target)}`;
  const told = `${at('i', path)}[' + ${digits}[n] + ']${below}${found(name, target.expected)}`;
  const rule = stageRule(
    message,
    `${isSet} && ${itemIndices}.exists(n, ${isBad})`,
    `${itemIndices}.filter(n, ${isBad}).map(n, ${told})`,
  );
  return { ...rule, messageExpression: `${rule.messageExpression}[0]` };
}

function referenceRule(reference: Reference): Rule {
  const { path, list, isSet, expected } = reference;
  const message = `${path} of a stage must name ${expected}`;
  if (list) return itemRule({ message, isSet: isSet(stage('i')), path, target: reference });
  const place = `${stage('i')}.${path}`;
  const bad = `${isSet(stage('i'))} && !${resolves(place, 'i', reference)}`;
  return stageRule(message, bad, at('i', path) + found(place, expected));
}

const rewardModelsOfRewards = itemRule({
  message: `rewardModel.from of a reward must name ${aRewardModel.expected}`,
  isSet: `has(${stage('i')}.grpo)`,
  path: 'grpo.rewards',
  below: '.rewardModel.from',
  names: `has(${stage('i')}.grpo.rewards[n].rewardModel)`,
  target: aRewardModel,
});

const namesOfTheirOwn = stageRule(
  'stages and datasets share one namespace',
  `self.datasets.exists(d, d.name == ${stage('i')}.name)`,
  at('i', 'name') + found(`${stage('i')}.name`, 'a name that no dataset has'),
);

const baseWhereNeeded = stageRule(
  'base must be set when a stage starts from it',
  `!has(self.base) && !has(${stage('i')}.review) && !has(${stage('i')}.model)`,
  `${at('i', 'model')}: found nothing in a pipeline without base, expected a model or spec.base'`,
);

const datasetsOfDefaults: Rule = (() => {
  const data = 'self.defaults.evaluation.data';
  const isBad = `n < size(${data}) && !self.datasets.exists(d, d.name == ${data}[n])`;
  const told = `'spec.defaults.evaluation.data[' + ${digits}[n] + ']${found(`${data}[n]`, 'a dataset')}`;
  const every = `${itemIndices}.filter(n, ${isBad}).map(n, ${told})`;
  return {
    rule: `!has(self.defaults.evaluation) || !${itemIndices}.exists(n, ${isBad})`,
    message: 'defaults.evaluation.data must name datasets',
    messageExpression: `${every}[0]`,
    everyMessage: every,
  };
})();

/** The cross-references of a pipeline; `self` is its spec. */
export const referenceRules: readonly Rule[] = [
  namesOfTheirOwn,
  baseWhereNeeded,
  ...references.map(referenceRule),
  rewardModelsOfRewards,
  datasetsOfDefaults,
];
