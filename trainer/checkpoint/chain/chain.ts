import { createHash } from 'node:crypto';
import type { CheckpointManifest } from '../../contract/files/checkpoint.ts';
import { policiesIn } from '../../contract/settings/preference-policy.ts';
import type { Provenance } from '../../contract/files/provenance.ts';

/** A checkpoint of a model or of rows, as it was found. */
export interface Link {
  /** Its directory. */
  readonly path: string;
  /** SHA-256 of its `checkpoint.json`. */
  readonly digest: string;
  readonly manifest: CheckpointManifest;
  /** What decided it; undefined where that cannot be read, or is not what the settings digest stands for. */
  readonly provenance: Provenance | undefined;
}

/** A file that says which checkpoint a stage has made: `result.json`, or the state of a run. */
export interface Claim {
  readonly file: string;
  /** The name of the checkpoint's directory, such as `step-000200`. */
  readonly checkpoint: string;
  readonly digest: string;
}

/** All that was found below a directory. */
export interface Chain {
  readonly links: readonly Link[];
  readonly claims: readonly Claim[];
  /** What is wrong with single files, a line each. */
  readonly faults: readonly string[];
}

/** Something from outside that a stage began with or learned from. */
export interface Material {
  /** Such as `dataset sums` or `base model.safetensors`. */
  readonly name: string;
  readonly sha256: string;
}

/**
 * What does not fit together: a line each that names the file, what was found and what was expected. Checkpoints are told by
 * their digests alone, so that a chain can be checked wherever its directories were copied to.
 */
export function faultsOfChain({ links, claims, faults }: Chain): string[] {
  const known = new Set(links.map(({ digest }) => digest));
  return [
    ...faults,
    ...links.flatMap((link) => faultsOfLink(link, known)),
    ...claims
      .filter(({ digest }) => !known.has(digest))
      .map(
        ({ file, checkpoint, digest }) =>
          `${file}: names ${checkpoint} with digest ${digest}; found ${found(links, checkpoint)}`,
      ),
  ];
}

function faultsOfLink({ path, manifest: { parent }, provenance }: Link, known: ReadonlySet<string>): string[] {
  if (provenance === undefined) return [];
  const start = startDigest(provenance);
  const from = `${path}/checkpoint.json`;
  const missing = (whose: string, digest: string): string[] =>
    known.has(digest) ? [] : [`${from}: goes on from ${whose} with digest ${digest}; found no checkpoint that has it`];
  const named = new Set([...(start === undefined ? [] : [start]), ...Object.values(provenance.pins)]);
  return [
    ...(parent !== undefined && !named.has(parent.digest)
      ? [
          `${from}: names the parent ${parent.stage} with digest ${parent.digest}; expected ${[...named].join(' or ') || 'none'}, which its settings name`,
        ]
      : []),
    ...(start === undefined ? [] : missing(parent === undefined ? 'a model' : `stage ${parent.stage}`, start)),
    ...Object.entries(provenance.pins).flatMap(([stage, digest]) => missing(`stage ${stage}`, digest)),
  ];
}

/** The digests of directories of that name, in words. */
function found(links: readonly Link[], name: string): string {
  const digests = links.filter(({ path }) => path.endsWith(name)).map(({ digest }) => digest);
  return digests.length === 0 ? 'no such checkpoint' : digests.slice(0, 3).join(', ');
}

/** What the links name that comes from outside the chain, each once. */
export function materialsOf(links: readonly Link[]): Material[] {
  const all = links.flatMap(({ provenance }) => (provenance === undefined ? [] : materialsOfStage(provenance)));
  return [...new Map(all.map((material) => [`${material.name} ${material.sha256}`, material])).values()];
}

/** Data files, files of a model and preference policies that a stage had from outside. */
export function materialsOfStage({ datasets, start, settings }: Provenance): Material[] {
  const data = datasets.flatMap(({ name, file }) =>
    file === undefined ? [] : [{ name: `dataset ${name}`, sha256: file }],
  );
  const base = Array.isArray(start) ? start.map(({ path, sha256 }) => ({ name: `base ${path}`, sha256 })) : [];
  const policies = policiesIn(settings).map(({ name, text }) => ({
    name: `preference policy ${name}`,
    sha256: createHash('sha256').update(text).digest('hex'),
  }));
  return [...data, ...base, ...policies];
}

/** The checkpoint that a stage began with; undefined where it began with another model, or with none. */
export function startDigest({ start }: Provenance): string | undefined {
  if (start === undefined || Array.isArray(start)) return undefined;
  return typeof start['digest'] === 'string' ? start['digest'] : undefined;
}

/** Checkpoints that a stage is done with, those of others in front of those that go on from them. */
export function finishedLinks(links: readonly Link[]): Link[] {
  const byDigest = new Map(links.map((link) => [link.digest, link]));
  const order = new Map<string, Link>();
  const begun = new Set<string>();
  // A stack instead of recursion: a made-up chain may be as long as it likes.
  const stack = links.filter(({ manifest }) => manifest.final).toReversed();
  while (stack.length > 0) {
    const link = stack.at(-1)!;
    const before = begun.has(link.digest) ? [] : parentsOf(link).flatMap((digest) => byDigest.get(digest) ?? []);
    begun.add(link.digest);
    const waiting = before.filter(({ digest }) => !begun.has(digest));
    if (waiting.length > 0) stack.push(...waiting.toReversed());
    else order.set(stack.pop()!.digest, link);
  }
  return [...order.values()];
}

/** Digests of the checkpoints that a stage used. */
export function parentsOf({ manifest, provenance }: Link): string[] {
  const start = provenance && startDigest(provenance);
  const own = start ?? manifest.parent?.digest;
  return [...new Set([...(own === undefined ? [] : [own]), ...Object.values(provenance?.pins ?? {})])];
}
