import type { Rule } from '../../trainer/contract/schema.ts';
import { stageTypes, type StageType } from '../../trainer/contract/settings.ts';

/*
 * The names in a pipeline stand for datasets and for stages further up. The rules below are written for the cost
 * estimate of an API server (https://kubernetes.io/docs/reference/using-api/cel/#cost-estimation): it knows the sizes
 * of lists and strings of the schema and of literals, and takes everything computed, such as `self.stages.map(s,
 * s.name)` or `string(i)`, for endless. Hence the loops over literal indices, and digits that are looked up.
 *
 * What is estimated is not what is spent. An API server evaluates the rules again whenever it writes a status, and every
 * `a.b` costs it a copy of the table of a's fields. So a rule goes through the stages that there are, by value, and
 * looks at its own field first; only what it says of a bad manifest is found by index.
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

type Target = Pick<Reference, 'datasets' | 'stages'>;

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
function resolves(name: string, i: string, { datasets, stages }: Target): string {
  const parts: string[] = [];
  if (datasets) parts.push(`self.datasets.exists(d, d.name == ${name})`);
  if (stages) {
    const types = stages.map((type) => `has(${stage('j')}.${type})`).join(' || ');
    const fits = stages.length === stageTypes.length ? '' : ` && (${types})`;
    parts.push(`${indices}.exists(j, j < ${i} && ${stage('j')}.name == ${name}${fits})`);
  }
  return parts.length === 1 ? parts.join('') : `(${parts.join(' || ')})`;
}

/**
 * CEL: the same for a name in stage `s`. Names of stages are unique, so the stage of index `j` stands above `s` when `s` is
 * none of the first j + 1.
 */
function resolvesIn(name: string, s: string, { datasets, stages }: Target): string {
  const parts: string[] = [];
  if (datasets) parts.push(`self.datasets.exists(d, d.name == ${name})`);
  if (stages) {
    const types = stages.map((type) => `has(${stage('j')}.${type})`).join(' || ');
    const fits = stages.length === stageTypes.length ? '' : ` && (${types})`;
    const isAbove = `!${indices}.exists(k, k <= j && ${stage('k')}.name == ${s}.name)`;
    parts.push(`${indices}.exists(j, j < size(self.stages) && ${stage('j')}.name == ${name}${fits} && ${isAbove})`);
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

/**
 * A rule about every stage, all in CEL.
 *
 * @param isBroken some stage is bad
 * @param badAt what makes the stage of index `i` bad
 * @param told the message about the stage of index `i`
 */
function stageRule(message: string, isBroken: string, badAt: string, told: string): Rule {
  const every = `${indices}.filter(i, i < size(self.stages) && ${badAt}).map(i, ${told})`;
  return { rule: `!${isBroken}`, message, messageExpression: `${every}[0]`, everyMessage: every };
}

/** CEL: there is a stage `s` like this. */
function someStage(s: string): string {
  return `self.stages.exists(s, ${s})`;
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
  const named = (item: string): string => (names === undefined ? '' : `${names(item)} && `);
  const isBad = `n < size(${items}) && ${named(`${items}[n]`)}!${resolves(name, 'i', target)}`;
  const told = `${at('i', path)}[' + ${digits}[n] + ']${below}${found(name, target.expected)}`;
  const someName = (s: string, bad: string): string => `${isSet(s)} && ${s}.${path}.exists(n, ${named('n')}${bad})`;
  const isBroken =
    target.stages === undefined
      ? someStage(someName('s', `!${resolves(`n${below}`, 'i', target)}`))
      : brokenByIndex(someName, `n${below}`, target);
  const rule = stageRule(
    message,
    isBroken,
    `${isSet(stage('i'))} && ${itemIndices}.exists(n, ${isBad})`,
    `${itemIndices}.filter(n, ${isBad}).map(n, ${told})`,
  );
  return { ...rule, messageExpression: `${rule.messageExpression}[0]` };
}

/**
 * CEL: some name in a list stands for nothing. A loop over the stages above each name in each list of each stage is one too
 * many for the cost estimate, so stages go by index here, once there is a name that no dataset has.
 */
function brokenByIndex(someName: (s: string, bad: string) => string, name: string, target: Target): string {
  const { datasets = false } = target;
  const suspicious = someStage(someName('s', datasets ? `!${resolves(name, 'i', { datasets })}` : 'true'));
  const bad = someName(stage('i'), `!${resolves(name, 'i', target)}`);
  return `(${suspicious} && ${indices}.exists(i, i < size(self.stages) && ${bad}))`;
}

function referenceRule(reference: Reference): Rule {
  const { path, list, isSet, expected } = reference;
  const message = `${path} of a stage must name ${expected}`;
  if (list) return itemRule({ message, isSet, path, target: reference });
  const place = `${stage('i')}.${path}`;
  const bad = `${isSet('s')} && !${resolvesIn(`s.${path}`, 's', reference)}`;
  const badAt = `${isSet(stage('i'))} && !${resolves(place, 'i', reference)}`;
  return stageRule(message, someStage(bad), badAt, at('i', path) + found(place, expected));
}

const rewardModelsOfRewards = itemRule({
  message: `rewardModel.from of a reward must name ${aRewardModel.expected}`,
  isSet: (s) => `has(${s}.grpo)`,
  path: 'grpo.rewards',
  below: '.rewardModel.from',
  names: (item) => `has(${item}.rewardModel)`,
  target: aRewardModel,
});

const namesOfTheirOwn = stageRule(
  'stages and datasets share one namespace',
  someStage('self.datasets.exists(d, d.name == s.name)'),
  `self.datasets.exists(d, d.name == ${stage('i')}.name)`,
  at('i', 'name') + found(`${stage('i')}.name`, 'a name that no dataset has'),
);

const baseWhereNeeded = stageRule(
  'base must be set when a stage starts from it',
  `(!has(self.base) && ${someStage('!has(s.review) && !has(s.model)')})`,
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
