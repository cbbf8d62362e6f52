import {
  coldStartFunnel,
  devLearnsFaster,
  type Finding,
  formatKept,
  languageKept,
  mixturesCompared,
  noValueHead,
  preferencesShape,
  reflectionPrompted,
  studentLearns,
  thinksWhereNeeded,
  type TinyRun,
  wholeRun,
  zeroGains,
  zeroMixesLanguages,
} from './findings.ts';
import { wrongAnswersGrow } from './length-findings.ts';

/** Tests of the project that show what a claim says; some of a file by a pattern of their names. */
export interface TestsToPass {
  readonly file: string;
  readonly named?: RegExp;
}

/** A claim of the text that the project follows, and how a bystander sees that it holds. */
export interface Claim {
  readonly number: number;
  readonly claim: string;
  readonly tests: readonly TestsToPass[];
  /** Judges runs of examples/r1-tiny.yaml by the median over their seeds. */
  readonly tiny?: (runs: readonly TinyRun[]) => Finding | undefined;
  /** That takes the stages of `withTwins`, too. */
  readonly twins?: true;
  /** The pipeline with more than a thousand updates shows it. */
  readonly updates?: true;
  /** Rows through filters and quotas show it: `npm run bench -- funnel`, with fewer rows. */
  readonly funnel?: true;
  /** What of the claim nothing here shows yet, or cannot show at this size. */
  readonly lacks?: string;
}

function tests(file: string, named?: RegExp): TestsToPass {
  return { file: `test/${file}.test.ts`, ...(named && { named }) };
}

/** All of them, in order. One that nothing shows is listed with what is lacking. */
export const claims: readonly Claim[] = [
  { number: 1, claim: 'R1-Zero is RL on a base model, without SFT', tests: [], tiny: zeroGains },
  {
    number: 2,
    claim: 'More RL makes it better; a run can go on',
    tests: [tests('trainer/stages/continuation'), tests('trainer/report/trend')],
  },
  { number: 3, claim: 'Thousands of rapid small updates', tests: [], updates: true },
  {
    number: 4,
    claim: 'Verbosity against coherence',
    tests: [
      tests('trainer/rewards/create-rewards', /tokens are punished/),
      tests('trainer/losses/group-advantages', /Dr\. GRPO/),
      tests('trainer/rewards/metrics/metrics', /lengths are told apart/),
    ],
    tiny: wrongAnswersGrow,
    twins: true,
  },
  { number: 5, claim: 'Zero switches language now and then', tests: [], tiny: zeroMixesLanguages },
  {
    number: 6,
    claim: 'A few thousand curated Zero completions',
    tests: [tests('trainer/stages/kept-rows'), tests('trainer/algorithms/funnel')],
    tiny: coldStartFunnel,
  },
  {
    number: 7,
    claim: 'Few-shot prompting',
    tests: [tests('trainer/data/prompts', /few-shot|worked examples/), tests('trainer/data/origins/evaluation-grams')],
  },
  {
    number: 8,
    claim: 'Prompting for detail, reflection, verification',
    tests: [tests('trainer/data/prompts', /reflection/)],
    tiny: reflectionPrompted,
  },
  { number: 9, claim: 'Formatting for readability', tests: [tests('trainer/rewards/responses/canonical-form')] },
  {
    number: 10,
    claim: 'Human annotators post-process',
    tests: [tests('trainer/stages/review/review')],
  },
  {
    number: 11,
    claim: 'SFT makes self-verification likelier and RL faster',
    tests: [],
    tiny: devLearnsFaster,
    twins: true,
  },
  {
    number: 12,
    claim: 'Accuracy reward: positive if right, else 0',
    tests: [tests('trainer/rewards/verify'), tests('trainer/rewards/answers'), tests('trainer/rewards/certification')],
  },
  {
    number: 13,
    claim: 'Format reward',
    tests: [tests('trainer/rewards/responses/parse-response')],
    tiny: formatKept,
  },
  {
    number: 14,
    claim: 'Language consistency costs a little accuracy',
    tests: [tests('trainer/rewards/language/language-consistency')],
    tiny: languageKept,
    twins: true,
  },
  {
    number: 15,
    claim: 'PPO with Monte-Carlo advantages, no value model',
    tests: [tests('trainer/losses/group-advantages'), tests('trainer/report/completions-table')],
    tiny: noValueHead,
  },
  {
    number: 16,
    claim: 'Answers graded by predefined lists',
    tests: [tests('trainer/rewards/verify', /list/), tests('trainer/rewards/answers', /list/)],
  },
  {
    number: 17,
    claim: 'Industrial AI: sensor variability, environment',
    tests: [tests('trainer/rewards/certification', /^quantity/)],
  },
  {
    number: 18,
    claim: 'Enterprise knowledge',
    tests: [tests('trainer/rewards/certification', /^cited/)],
  },
  {
    number: 19,
    claim: 'Several instances in parallel: generate, verify, iterate',
    tests: [
      tests('trainer/stages/rollout-workers'),
      tests('trainer/stages/rollout/draw-groups'),
      tests('trainer/stages/conversations', /tried again/),
    ],
  },
  {
    number: 20,
    claim: 'Code up verifiers as soon as possible',
    tests: [
      tests('cli/certify'),
      tests('trainer/rewards/certification', /^code/),
      tests('trainer/rewards/code/run-code'),
    ],
  },
  {
    number: 21,
    claim: 'Rejection sampling: many, rank, keep the best',
    tests: [tests('trainer/algorithms/funnel', /ranked|outranks|judge/), tests('trainer/stages/sample/judged-rows')],
  },
  {
    number: 22,
    claim: '600k reasoning and 200k general',
    tests: [tests('trainer/algorithms/funnel', /quotas/)],
    funnel: true,
  },
  {
    number: 23,
    claim: 'A model as judge',
    tests: [tests('trainer/rewards/judge/judge'), tests('trainer/rewards/judge/verdict')],
  },
  {
    number: 24,
    claim: 'Chat data augmented with reasoning',
    tests: [tests('trainer/data/forms'), tests('trainer/data/generators', /greetings have no chain of thought/)],
    tiny: thinksWhereNeeded,
    twins: true,
  },
  {
    number: 25,
    claim: 'Final RL: verifiable and preference rewards',
    tests: [
      tests('trainer/rewards/create-rewards', /the scope that its setting names|last steps|domains/),
      tests('trainer/stages/reward-model/reward-model', /chain of thought/),
    ],
    tiny: preferencesShape,
  },
  {
    number: 26,
    claim: 'Which balance of data?',
    tests: [tests('trainer/data/prompt-mixture')],
    tiny: mixturesCompared,
    twins: true,
  },
  {
    number: 27,
    claim: 'An off-the-shelf reward model, or one that knows traces?',
    tests: [
      tests('trainer/stages/foreign-reward-model', /taken as it is, and gives its scores|compared on the same/),
      tests('trainer/algorithms/rank-correlation'),
    ],
  },
  {
    number: 28,
    claim: 'Safeguards against losing reasoning',
    tests: [tests('operator/core/decide-gates'), tests('trainer/stages/grpo/guard')],
  },
  {
    number: 29,
    claim: 'Alignment depends on who regulates',
    tests: [
      tests('trainer/contract/settings/preference-policy'),
      tests('trainer/checkpoint/chain/statement'),
      tests('trainer/report/write-report', /policy of preferences/),
    ],
  },
  {
    number: 30,
    claim: 'Copy-paste of skills to other models',
    tests: [],
    tiny: studentLearns,
    twins: true,
  },
  { number: 31, claim: 'Five steps in one process', tests: [], tiny: wholeRun },
];
