import { z } from 'zod';
import { object } from './schema.ts';

/** What preferences follow. Somebody answers for it, and another regulator may ask for another one. */
export const preferencePolicy = object({
  name: z.string().min(1).max(128).describe('What it is called in reports, best with a version: assistant-eu/2.'),
  text: z
    .string()
    .min(1)
    .max(32768)
    .describe('What is to be preferred to what. Its SHA-256 is that of a file with this text.'),
}).describe(
  'What the preferences follow, for whoever wants to know what shaped a model. It is among the settings that decide a result: another text is another run.',
);
export type PreferencePolicy = z.infer<typeof preferencePolicy>;

/** A stage with its settings, and the stages whose models, rows or scores it uses. */
export interface ShapedStage {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly uses: readonly string[];
}

export interface AppliedPolicy {
  readonly policy: PreferencePolicy;
  /** Stages that make or score preferences by it. */
  readonly declaredBy: readonly string[];
  /** Stages that learned from these, directly or over others. */
  readonly shaped: readonly string[];
}

/** Which policies stages declare, each once, and what they shaped. */
export function appliedPolicies(stages: readonly ShapedStage[]): AppliedPolicy[] {
  const declared = new Map<string, { policy: PreferencePolicy; by: Set<string> }>();
  for (const { name, settings } of stages) {
    for (const policy of policiesIn(settings)) {
      const key = JSON.stringify([policy.name, policy.text]);
      const entry = declared.get(key) ?? { policy, by: new Set() };
      declared.set(key, { ...entry, by: entry.by.add(name) });
    }
  }
  return [...declared.values()].map(({ policy, by }) => ({
    policy,
    declaredBy: [...by],
    shaped: descendants(stages, by),
  }));
}

/** Stages that make or score preferences by no declared policy. */
export function withoutPolicy(stages: readonly ShapedStage[]): string[] {
  return stages
    .filter(({ settings }) => preferenceMakers(settings).some((maker) => policyOf(maker) === undefined))
    .map(({ name }) => name);
}

/** Policies in the settings of a stage, whether with its type before them or without. */
export function policiesIn(settings: Readonly<Record<string, unknown>>): PreferencePolicy[] {
  return preferenceMakers(settings).flatMap((maker) => policyOf(maker) ?? []);
}

type Fields = Readonly<Record<string, unknown>>;

/** The parts of settings by which preferences are made or scored: a reward model that is trained, and judges. */
function preferenceMakers(settings: Fields): Fields[] {
  const { rewardModel, grpo, sample } = settings;
  const inType = [rewardModel, grpo, sample].filter(isFields);
  const all = inType.length > 0 ? inType : [settings];
  return all.flatMap((fields) => {
    const rewards = Array.isArray(fields['rewards']) ? fields['rewards'].filter(isFields) : [];
    const pairs = fields['pairs'];
    const parts = [...rewards, fields, pairs, fields['labels'], fields['guard']].filter(isFields);
    const judges = parts.map(({ judge }) => judge);
    const isRewardModel = Array.isArray(pairs) || fields['labelled'] !== undefined;
    return [...(isRewardModel ? [fields] : []), ...judges.filter(isFields)];
  });
}

function policyOf(maker: Fields): PreferencePolicy | undefined {
  return preferencePolicy.safeParse(maker['preferencePolicy']).data;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function descendants(stages: readonly ShapedStage[], of: ReadonlySet<string>): string[] {
  const reached = new Set(of);
  for (let before = -1; before < reached.size;) {
    before = reached.size;
    for (const { name, uses } of stages) if (uses.some((used) => reached.has(used))) reached.add(name);
  }
  return stages.map(({ name }) => name).filter((name) => reached.has(name) && !of.has(name));
}
