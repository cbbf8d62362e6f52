import { stageType } from '../api/pipeline-stage.ts';
import type { ResolvedModel, StageInput, StageSpec } from '../api/stage.ts';
import { digestOf } from './names.ts';

/** What decides a stage's result; a change of anything else needs no new run. */
function resultFields(spec: StageSpec) {
  const { seed, datasets, inputs, evaluation } = spec;
  const type = stageType(spec);
  return { seed, [type]: spec[type], model: contentOf(spec.model), datasets, inputs: inputs.map(pinOf), evaluation };
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
  'storage',
] as const satisfies (keyof StageSpec)[];

/** SHA-256 of what an attempt is made from: a waiting one of another digest is replaced. */
export const attemptDigest = oncePerSpec((spec) => {
  const seen: Partial<StageSpec> = { ...spec };
  for (const field of unseenByPods) delete seen[field];
  return digestOf({ ...seen, claimName: spec.storage.claimName });
});

/** SHA-256 of what decides a stage's result. */
export const settingsDigest = oncePerSpec((spec) => digestOf(resultFields(spec)));

/** Every pass asks, and a spec in memory is replaced, never changed. */
function oncePerSpec(digest: (spec: StageSpec) => string): (spec: StageSpec) => string {
  const known = new WeakMap<StageSpec, string>();
  return (spec) => {
    const found = known.get(spec) ?? digest(spec);
    known.set(spec, found);
    return found;
  };
}

/** Where two specs of a stage differ in what decides the result, such as `grpo.steps: 100 → 200`; at most three places. */
export function describeChange(before: StageSpec, after: StageSpec): string {
  const changes: string[] = [];
  compare(resultFields(before), resultFields(after), '', changes);
  return changes.length <= 3 ? changes.join(', ') : `${changes.slice(0, 3).join(', ')} and ${changes.length - 3} more`;
}

function compare(before: unknown, after: unknown, path: string, changes: string[]): void {
  if (digestOf({ value: before }) === digestOf({ value: after })) return;
  if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
      compare(
        before[key],
        after[key],
        Array.isArray(before) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`,
        changes,
      );
    }
    return;
  }
  changes.push(`${path}: ${show(before)} → ${show(after)}`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'unset';
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
