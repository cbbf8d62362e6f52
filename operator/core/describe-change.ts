import { stageSpec, type StageSpec } from '../api/resources/stage.ts';
import { sameContent } from './names.ts';
import { resultFields } from './settings-digest.ts';

/**
 * Where two specs of a stage differ in what decides the result, such as `grpo.steps: 100 → 200`; at most three places.
 * What the manifest says of the stage itself comes before the datasets that follow from it.
 */
export function describeChange(before: StageSpec, after: StageSpec): string {
  const changes = differences(inOrder(inFull(before)), inOrder(inFull(after)), '');
  return changes.length <= 3 ? changes.join(', ') : `${changes.slice(0, 3).join(', ')} and ${changes.length - 3} more`;
}

/** With the defaults: what a person reads is a value, and not that none was given. */
function inFull(spec: StageSpec): StageSpec {
  return stageSpec.safeParse(spec).data ?? spec;
}

function inOrder(spec: StageSpec) {
  const { data, datasets, inputs, trainedOn, ...settings } = resultFields(spec);
  return { ...settings, data, datasets, inputs, trainedOn };
}

function differences(before: unknown, after: unknown, path: string): string[] {
  if (sameContent(before, after)) return [];
  const [old, now] = [partsOf(before), partsOf(after)];
  if (old === undefined || now === undefined) return [`${path}: ${show(before)} → ${show(after)}`];
  const changes = [...new Set([...old.keys(), ...now.keys()])].flatMap((key) =>
    differences(old.get(key), now.get(key), path === '' || key.startsWith('[') ? `${path}${key}` : `${path}.${key}`),
  );
  return changes.length > 0 ? changes : [`${path}: ${[...old.keys()].join(', ')} → ${[...now.keys()].join(', ')}`];
}

/** Parts by their keys; those of a list by their names where they have some, so that one that was added moves no other. */
function partsOf(value: unknown): Map<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (!Array.isArray(value)) return new Map(Object.entries(value));
  return new Map(value.map((part: unknown, index) => [nameOf(part) ?? `[${index}]`, part]));
}

function nameOf(part: unknown): string | undefined {
  return typeof part === 'object' && part !== null && 'name' in part ? String(part.name) : undefined;
}

function show(value: unknown): string {
  if (value === undefined) return 'unset';
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return `${value.slice(0, 12)}…`;
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
