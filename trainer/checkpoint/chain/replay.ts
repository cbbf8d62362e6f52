import { basename, dirname } from 'node:path';
import type { CheckpointManifest } from '../../contract/files/checkpoint.ts';
import type { Provenance } from '../../contract/files/provenance.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { PinnedInput, StageFile } from '../../contract/settings/stage-file.ts';
import { finishedLinks, type Link } from './chain.ts';

/** What is computed again, to be compared with what lies there. */
export interface ReplayPlan {
  readonly stage: string;
  /** What must come out. */
  readonly expected: Link;
  /** By what it was decided. */
  readonly decided: Provenance;
  /** The saved state that is gone on from; all of the stage's work is done again where there is none. */
  readonly from: Link | undefined;
}

/**
 * Chooses what to compute again: the last `steps` optimizer steps of a stage at least, from the newest state that was saved
 * before them, or the whole stage from its inputs.
 *
 * @param stage the last one that people do not decide when absent
 * @throws UserError if no such stage is finished
 */
export function planReplay(links: readonly Link[], steps: number, stage?: string): ReplayPlan {
  const finished = finishedLinks(links).filter(({ provenance }) => provenance && !('review' in provenance.settings));
  const expected = finished.findLast(({ provenance }) => stage === undefined || provenance?.stage === stage);
  if (expected?.provenance === undefined) {
    const known = [...new Set(finished.map(({ provenance }) => provenance?.stage))].join(', ');
    throw new UserError(
      `stage ${stage ?? ''}: found no finished checkpoint that can be computed again; known: ${known || 'none'}`,
    );
  }
  const { settingsDigest, step } = expected.manifest;
  const from = links
    .filter(({ path, manifest }) => {
      const isState = !manifest.final && basename(path).startsWith('step-');
      const isOfStage = dirname(path) === dirname(expected.path) && manifest.settingsDigest === settingsDigest;
      return isState && isOfStage && manifest.step <= step - steps;
    })
    .toSorted((a, b) => a.manifest.step - b.manifest.step)
    .at(-1);
  return { stage: expected.provenance.stage, expected, decided: expected.provenance, from };
}

/** What is computed again, in words. */
export function describePlan({ stage, expected: { manifest }, from }: ReplayPlan): string {
  if (manifest.step === 0) return `all rows of ${stage}, from its inputs`;
  const first = (from?.manifest.step ?? 0) + 1;
  const whence = from === undefined ? 'from its inputs' : `from the state saved in ${basename(from.path)}`;
  return `steps ${first} to ${manifest.step} of ${stage}, ${whence}`;
}

/**
 * The stage as it was told to run, in another directory, and by itself. Its inputs are where the chain has them: the state may
 * have been moved since. What it was told is no part of the chain; what decides the weights must come to the digest of the
 * settings, which is.
 */
export function replayFile(
  file: StageFile,
  { expected, links, out }: { readonly expected: Link; readonly links: readonly Link[]; readonly out: string },
): StageFile {
  const { takeOver: _, goneRuns: __, rollout: ___, evaluation: ____, ...rest } = file;
  const located = (input: PinnedInput): PinnedInput => ({
    ...input,
    path: links.find(({ digest }) => digest === input.digest)?.path ?? input.path,
  });
  const inputs = Object.entries(file.inputs).map(([name, input]) => [name, located(input)] as const);
  const { model } = file;
  return {
    ...rest,
    settingsDigest: expected.manifest.settingsDigest,
    inputs: Object.fromEntries(inputs),
    ...(model?.input && { model: { input: located(model.input) } }),
    out,
  };
}

/** Files that did not come out as they lie there, a line each, and then what may explain it. */
export function faultsOfReplay(expected: Link, made: CheckpointManifest): string[] {
  const found = new Map(made.files.map(({ path, sha256 }) => [path, sha256]));
  const other = expected.manifest.files.filter(({ path, sha256 }) => found.get(path) !== sha256);
  const lines = other.map(({ path, sha256 }) => {
    const now = found.get(path);
    return `${expected.path}/${path}: computed again it ${now === undefined ? 'is not written' : `has SHA-256 ${now}`}; expected ${sha256}`;
  });
  return lines.length === 0 ? [] : [...lines, ...explanations(expected, made.engine)];
}

function explanations({ manifest: { engine: before }, provenance }: Link, now: CheckpointManifest['engine']): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter(
    (name) => before[name] !== now[name],
  );
  if (names.length === 0 && acceptedMismatch(provenance?.settings)) {
    return ['grpo.rollout.accept is mismatch: other machines may have sampled, and it is done again by this one alone'];
  }
  if (names.length === 0) return ['code, runtime and processor are the same: settings, data or weights were others'];
  return names.map(
    (name) => `the bits may differ by ${name}: found ${now[name] ?? 'none'}, made with ${before[name] ?? 'none'}`,
  );
}

function acceptedMismatch(settings: Readonly<Record<string, unknown>> = {}): boolean {
  const grpo = settings['grpo'] as { readonly rollout?: { readonly accept?: unknown } } | undefined;
  return grpo?.rollout?.accept === 'mismatch';
}
