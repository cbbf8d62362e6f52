import type { Chats } from './chats.ts';
import { lookupDatasets, lookupStages } from './lookup-stages.ts';
import type { Lookups } from './lookups.ts';

/** What twins need of a manifest. */
export interface StagesOfManifest {
  readonly spec: { readonly datasets: readonly object[]; readonly stages: readonly StageInManifest[] };
}

export interface StageInManifest {
  readonly name: string;
  readonly model?: { readonly from?: string; readonly init?: object };
  readonly grpo?: { readonly rewards: readonly object[]; readonly [more: string]: unknown };
  readonly sft?: { readonly data: readonly string[]; readonly [more: string]: unknown };
  readonly [more: string]: unknown;
}

/** Stages beside those of examples/r1-tiny.yaml. */
export const twinNames = [
  'any-language',
  'rl-from-base',
  'balanced',
  'mostly-general',
  'student-rl',
  'chat-data',
  'chat-tuned',
  'chat-as-it-was',
  'phrases-of-base',
  'phrases-of-dev1',
  'lookups-base',
  'per-completion',
  'constant-divisor',
  'by-chance',
] as const;

/**
 * The manifest of examples/r1-tiny.yaml with further stages, each like one of its own but for what a claim is about: reasoning RL without the
 * reward for a language, the same from the base model instead of Dev1, the final RL with two other mixtures of prompts, and the student with
 * the RL of R1-Zero instead of distillation. Base learns from chats as they are, and with the thoughts that reasoning RL wrote for them. Two more
 * sample base and Dev1. A twin whose model the manifest does not have is left out. A base model of their own have those of lookup-stages.ts.
 */
export function withTwins<M extends StagesOfManifest>(manifest: M, chats: readonly Chats[], lookups?: Lookups): M {
  const { datasets, stages } = manifest.spec;
  const chat = chats.map(({ name }) => name);
  const like = (name: string): StageInManifest[] => stages.filter((stage) => stage.name === name);
  const samples = { sample: { prompts: ['sums'], limit: 300, perPrompt: 1, keep: [], sampling: { maxNewTokens: 64 } } };
  const twins: StageInManifest[] = [
    ...like('reasoning-rl').map((stage) => ({ ...stage, name: 'any-language', grpo: withoutLanguage(stage.grpo) })),
    ...like('reasoning-rl').map((stage) => ({ ...stage, name: 'rl-from-base', model: { from: 'base' } })),
    ...like('r1').flatMap((stage) => [
      { ...stage, name: 'balanced', grpo: withGreetings(stage.grpo, 1), gate: undefined },
      { ...stage, name: 'mostly-general', grpo: withGreetings(stage.grpo, 3), gate: undefined },
    ]),
    ...like('r1-zero').map((stage) => ({
      ...stage,
      name: 'student-rl',
      model: { from: 'student-base' },
      gate: undefined, // it would rightly stop a student that has not learned
    })),
    {
      name: 'chat-data',
      model: { from: 'reasoning-rl' },
      sample: {
        prompts: chat,
        given: chat,
        thoughts: {},
        keep: ['correct', 'notOverlong'],
        sampling: { maxNewTokens: 64 },
      },
    },
    ...like('cold-start').flatMap((stage) => [
      { ...stage, name: 'chat-tuned', sft: { ...stage.sft, data: ['chat-data'] } },
      { ...stage, name: 'chat-as-it-was', sft: { ...stage.sft, data: chat } },
    ]),
    { name: 'phrases-of-base', model: { from: 'base' }, ...samples },
    { name: 'phrases-of-dev1', model: { from: 'cold-start' }, ...samples },
  ];
  const possible = twins.filter(({ model }) => stages.some(({ name }) => name === model?.from));
  return {
    ...manifest,
    spec: {
      ...manifest.spec,
      datasets: [...datasets, ...chats, ...(lookups ? lookupDatasets(lookups) : [])],
      stages: [...stages, ...possible, ...(lookups ? lookupStages : [])],
    },
  };
}

function withoutLanguage(grpo: StageInManifest['grpo']): NonNullable<StageInManifest['grpo']> {
  return { ...grpo, rewards: (grpo?.rewards ?? []).filter((reward) => !('languageConsistency' in reward)) };
}

/** So many greetings for each sum; the example has one for seven or eight, as many as there are of each. */
function withGreetings(grpo: StageInManifest['grpo'], weight: number): NonNullable<StageInManifest['grpo']> {
  const promptWeights = [{ dataset: 'greetings', weight }];
  return { ...grpo, rewards: grpo?.rewards ?? [], promptWeights };
}
