/** What twins need of a manifest. */
export interface StagesOfManifest {
  readonly spec: { readonly stages: readonly StageInManifest[] };
}

export interface StageInManifest {
  readonly name: string;
  readonly model?: { readonly from?: string };
  readonly grpo?: { readonly rewards: readonly object[] };
  readonly [more: string]: unknown;
}

/** Stages beside those of examples/r1-tiny.yaml. */
export const twinNames = ['any-language', 'rl-from-base', 'student-rl', 'phrases-of-base', 'phrases-of-dev1'] as const;

/**
 * The manifest of examples/r1-tiny.yaml with further stages, each like one of its own but for what a claim is about: reasoning RL without the
 * reward for a language, the same from the base model instead of Dev1, and the student with the RL of R1-Zero instead of distillation. Two
 * more sample base and Dev1. A twin whose model the manifest does not have is left out.
 */
export function withTwins<M extends StagesOfManifest>(manifest: M): M {
  const { stages } = manifest.spec;
  const like = (name: string): StageInManifest[] => stages.filter((stage) => stage.name === name);
  const samples = { sample: { prompts: ['sums'], limit: 300, perPrompt: 1, keep: [], sampling: { maxNewTokens: 64 } } };
  const twins: StageInManifest[] = [
    ...like('reasoning-rl').map((stage) => ({ ...stage, name: 'any-language', grpo: withoutLanguage(stage.grpo) })),
    ...like('reasoning-rl').map((stage) => ({ ...stage, name: 'rl-from-base', model: { from: 'base' } })),
    ...like('r1-zero').map((stage) => ({
      ...stage,
      name: 'student-rl',
      model: { from: 'student-base' },
      gate: undefined, // it would rightly stop a student that has not learned
    })),
    { name: 'phrases-of-base', model: { from: 'base' }, ...samples },
    { name: 'phrases-of-dev1', model: { from: 'cold-start' }, ...samples },
  ];
  const possible = twins.filter(({ model }) => stages.some(({ name }) => name === model?.from));
  return { ...manifest, spec: { ...manifest.spec, stages: [...stages, ...possible] } };
}

function withoutLanguage(grpo: StageInManifest['grpo']): NonNullable<StageInManifest['grpo']> {
  return { ...grpo, rewards: (grpo?.rewards ?? []).filter((reward) => !('languageConsistency' in reward)) };
}
