import { isDeepStrictEqual } from 'node:util';
import { decisiveSettings, lengthOf, whyNotLonger } from '../../trainer/contract/settings/continuation.ts';
import { versioned } from '../../trainer/contract/settings/digest-version.ts';
import { controlsOf, dataOf } from '../../trainer/contract/settings/settings.ts';
import { withoutDefaults } from '../../trainer/contract/settings/without-defaults.ts';
import { stageType } from '../api/resources/pipeline-stage.ts';
import {
  stageSpec,
  type DatasetContent,
  type FileContent,
  type ResolvedModel,
  type StageInput,
  type StageSpec,
} from '../api/resources/stage.ts';
import { digestOf } from './names.ts';

/** A spec without what its schema would fill in anyway. */
export const stripped = lately(withoutDefaults(stageSpec)<StageSpec>);

/** A spec whose settings are without what their schema fills in, so that one more that has a default changes no digest. */
const asked = lately((spec): StageSpec => ({ ...spec, ...stripped(spec) }));

/** What decides the output of a stage: its weights or its rows. */
function outputFields(spec: StageSpec) {
  const { seed, chat, precision, templateContent, rewardContents, datasets, inputs, evaluation, evaluate } = spec;
  const type = stageType(spec);
  const settings = type === 'evaluate' ? {} : decisiveSettings(spec[type]);
  // Held-out data decide which rows are kept, and where a guard leads back to.
  const kept = new Set([...(spec.sample?.decontaminate ?? []), ...(spec.grpo?.guard?.data ?? [])]);
  const evaluatedOnly = new Set((evaluate ?? evaluation)?.data).difference(new Set(dataOf(spec))).difference(kept);
  return {
    seed,
    [type]: settings,
    model: contentOf(spec.model),
    ...(chat && { chat: templateContent ? { ...chat, templateFile: inWords(templateContent) } : chat }),
    ...(precision && { precision }),
    datasets: datasets.filter(({ name }) => !evaluatedOnly.has(name)),
    data: contentsOf(spec, ({ dataset, file, heldOut }) =>
      evaluatedOnly.has(dataset) ? {} : { file, ...(kept.has(dataset) && heldOut && { heldOut }) },
    ),
    ...(rewardContents && {
      rewards: Object.fromEntries(rewardContents.map(({ file, content }) => [file, inWords(content)])),
    }),
    inputs: inputs.map(pinOf),
  };
}

/** What decides a stage's result, its figures included; a change of anything else needs no new run. */
export function resultFields(spec: StageSpec) {
  const { every: _, ...evaluation } = spec.evaluation ?? {};
  const controlled = controlsOf(spec);
  return {
    ...outputFields(spec),
    datasets: spec.datasets,
    data: contentsOf(spec, ({ file, heldOut }) => ({ file, ...(heldOut && { heldOut }) })),
    ...(spec.evaluate && { evaluate: spec.evaluate }),
    ...(controlled && { controls: controlled.controls }),
    evaluation: spec.evaluation && evaluation,
    trainedOn: spec.trainedOn,
  };
}

/** Data files by what they hold, in words that a change can be told in: `data.sums.file: 120 lines (sha256 5891b5b522d5…)`. */
function contentsOf(
  { contents = [] }: StageSpec,
  filesOf: (content: DatasetContent) => Readonly<Record<string, FileContent>>,
): Record<string, Record<string, string>> {
  const named = contents.map((content): [string, Record<string, string>] => {
    const files = Object.entries(filesOf(content)).map(([file, held]) => [file, inWords(held)]);
    return [content.dataset, Object.fromEntries(files) as Record<string, string>];
  });
  return Object.fromEntries(named.filter(([, files]) => Object.keys(files).length > 0));
}

function inWords({ lines, sha256 }: FileContent): string {
  return `${lines === undefined ? 'Parquet' : `${lines} line${lines === 1 ? '' : 's'}`} (sha256 ${sha256.slice(0, 16)}…)`;
}

/** A model without the means to reach it, which are not the same everywhere. */
function contentOf(model: ResolvedModel | undefined) {
  if (model?.input !== undefined) return { input: pinOf(model.input) };
  if (model?.hf !== undefined) return { hf: { repo: model.hf.repo, revision: model.hf.revision } };
  return model;
}

/** The same bits can lie in the directory of another attempt. */
function pinOf({ stage, digest }: StageInput) {
  return { stage, digest };
}

/** What no pod of a stage depends on. */
const unseenByPods = [
  'suspend',
  'retry',
  'budget',
  'deadlineSeconds',
  'startDeadlineSeconds',
  'storage',
] as const satisfies (keyof StageSpec)[];

/**
 * SHA-256 of what an attempt is made from: a waiting one of another digest is replaced. It is made for rollout workers or for none;
 * how many they are may change while it runs.
 */
export const attemptDigest = oncePerSpec((spec) => {
  const seen = { ...stripped(spec) };
  if (spec.rolloutWorkers > 0) seen.rolloutWorkers = 1;
  for (const field of unseenByPods) delete seen[field];
  return versioned(digestOf({ ...seen, ...claimOf(spec) }));
});

/** What the claim of a stage is made from, as far as it is made for it. */
function claimOf(spec: StageSpec) {
  const { claimName, storageClassName, accessMode, size } = stripped(spec).storage ?? {};
  return claimName === undefined ? { storageClassName, accessMode, size } : { claimName };
}

/** SHA-256 of what decides a stage's result. */
export const settingsDigest = oncePerSpec((spec) => versioned(digestOf(resultFields(asked(spec)))));

const outputDigest = oncePerSpec((spec) => digestOf(outputFields(asked(spec))));

/** SHA-256 of all that it asks for but whether it rests. */
export const contentDigest = oncePerSpec((spec) => digestOf({ ...stripped(spec), suspend: undefined }));

/** Two specs ask for the same, whether they say so or leave it to the defaults, and whether it rests or not. */
export function sameSpec(a: StageSpec, b: StageSpec): boolean {
  return isDeepStrictEqual(a, b) || contentDigest(a) === contentDigest(b);
}

/** What other settings mean for the work that a stage has done. */
export type Change =
  | { readonly kind: 'none' }
  /** Its output stays, and is measured in another way. */
  | { readonly kind: 'measured' }
  /** It goes on from where it ended, and comes to what a run of that length would have given. */
  | { readonly kind: 'longer' }
  /** It would have to begin anew; `because` says why, where one could think that it goes on. */
  | { readonly kind: 'other'; readonly because?: string };

/** What the change of a spec means for the work that was done with the old one. */
export function judgeChange(before: StageSpec, after: StageSpec): Change {
  if (settingsDigest(before) === settingsDigest(after)) return { kind: 'none' };
  if (outputDigest(before) === outputDigest(after)) return { kind: 'measured' };
  const [from, to] = [lengthOf(before), lengthOf(after)];
  if (from === undefined || to === undefined || from.type !== to.type || to.value <= from.value)
    return { kind: 'other' };
  const asLongAs = { ...before, [to.type]: { ...before[to.type], [to.field]: to.value } };
  if (outputDigest(asLongAs) !== outputDigest(after)) return { kind: 'other' };
  const because = whyNotLonger(after);
  return because === undefined ? { kind: 'longer' } : { kind: 'other', because };
}

/** Nothing differs but what earlier stages gave it: its manifest is what it was. */
export function hasOtherInputs(before: StageSpec, after: StageSpec): boolean {
  const model = before.model?.input && after.model?.input ? before.model : after.model;
  return settingsDigest({ ...after, inputs: before.inputs, ...(model && { model }) }) === settingsDigest(before);
}

/** So many specs at a time have their digests made. */
const most = 32;

/**
 * The same for what digests are made of: all of one spec are asked for soon after each other, and then never again. Kept with each
 * spec it would be another copy of it.
 */
function lately<T>(make: (spec: StageSpec) => T): (spec: StageSpec) => T {
  const known = new Map<StageSpec, T>();
  return (spec) => {
    const found = known.get(spec) ?? make(spec);
    known.delete(spec);
    known.set(spec, found);
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    return found;
  };
}

/** Every pass asks, and a spec in memory is replaced, never changed. */
function oncePerSpec<T>(make: (spec: StageSpec) => T): (spec: StageSpec) => T {
  const known = new WeakMap<StageSpec, T>();
  return (spec) => {
    const found = known.get(spec) ?? make(spec);
    known.set(spec, found);
    return found;
  };
}
