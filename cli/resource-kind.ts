import { apiGroup } from '../operator/api/resources/metadata.ts';
import { didYouMean } from '../operator/api/check/suggestion.ts';
import { UserError } from '../trainer/contract/process/errors.ts';
import { programName } from './invocation.ts';

export type ResourceKind = 'pipelines' | 'stages';

const kinds: Readonly<Record<string, ResourceKind>> = {
  pipelines: 'pipelines',
  pipeline: 'pipelines',
  r1pipelines: 'pipelines',
  r1pipeline: 'pipelines',
  r1p: 'pipelines',
  stages: 'stages',
  stage: 'stages',
  r1stages: 'stages',
  r1stage: 'stages',
  r1s: 'stages',
};

/**
 * The kind that a person lists.
 *
 * @param name of a pipeline, as it follows the kind
 * @throws UserError that says how a pipeline is asked for, where its name stands in place of the kind
 */
export function resourceKind(given: string, name: string | undefined): ResourceKind {
  const kind = kindNamed(given);
  if (kind !== undefined) return kind;
  const meant = didYouMean(given, ['pipelines', 'stages']);
  const hint = meant === undefined ? commandMeant(given, name) : `did you mean ${meant}?`;
  throw new UserError(
    `get: unknown kind "${given}"; expected pipelines or stages${hint === undefined ? '' : `; ${hint}`}`,
  );
}

function kindNamed(given: string): ResourceKind | undefined {
  const word = given.toLowerCase();
  return Object.hasOwn(kinds, word) ? kinds[word] : undefined;
}

/** For a pipeline, `PIPELINE/STAGE` as other commands take it, and `KIND/NAME` as kubectl does. */
function commandMeant(given: string, name: string | undefined): string | undefined {
  const [first = '', second, ...more] = given.split('/');
  const words = [first, ...(second === undefined ? [] : [second]), ...(name === undefined ? [] : [name])];
  if (more.length > 0 || !words.every((word) => /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(word))) return undefined;
  const kind = kindNamed(first.replace(`.${apiGroup}`, ''));
  if (kind !== undefined) {
    return kind === 'pipelines' ? `${programName} get pipelines ${second} shows that pipeline` : undefined;
  }
  return words.length === 1
    ? `${programName} get pipelines ${first} shows a pipeline of that name`
    : `${programName} get stages ${first} shows the stages of a pipeline of that name`;
}
