import { LineCounter, type Document } from 'yaml';
import type { z } from 'zod';
import { checkValue } from './check/check-value.ts';
import { tooDeepAt } from './yaml/nesting.ts';
import { describe, formatPath, problemAt, type Path, type ValueProblem } from './check/value-problem.ts';
import { apiGroup, apiVersion } from './resources/metadata.ts';
import { r1Pipeline, type R1Pipeline } from './resources/pipeline.ts';
import { r1Stage, type R1Stage } from './resources/stage.ts';
import { structuralSchema, type StructuralSchema } from './check/structural-schema.ts';
import { didYouMean } from './check/suggestion.ts';
import { columnOf, linesAbove } from './yaml/text-lines.ts';
import { parseDocuments } from './yaml/parse-documents.ts';
import { nestedTooDeeply, unresolvedAlias, yamlProblem } from './yaml/yaml-problem.ts';

/** One thing that is wrong with a manifest; `message` says it whole, for one line of output. */
export interface ManifestProblem {
  readonly file: string;
  /** Counts the documents of the file from 0. */
  readonly document: number;
  /** Such as `spec.stages[2].grpo.rewards[0]`; empty for the document as a whole. */
  readonly path: string;
  /** Where it stands in the file, from 1. */
  readonly line?: number;
  readonly column?: number;
  readonly found: string;
  readonly expected: string;
  readonly message: string;
}

export interface ValidatedManifest {
  /** Those documents without a problem, with defaults. */
  readonly pipelines: R1Pipeline[];
  readonly stages: R1Stage[];
  readonly problems: ManifestProblem[];
  /** Specs of all documents that are meant as pipelines, those with problems as they were written. */
  readonly pipelineSpecs: readonly {
    readonly spec: unknown;
    readonly place: (problem: ValueProblem) => ManifestProblem;
  }[];
  /** Says where in the file something stands that was found later to be wrong with one of the documents. */
  place(document: R1Pipeline | R1Stage, problem: ValueProblem): ManifestProblem;
}

const kinds = {
  R1Pipeline: r1Pipeline,
  R1Stage: r1Stage,
} satisfies Record<string, z.ZodType>;

const schemas = new Map<string, StructuralSchema>();

/** The structural schema of a kind, translated once. */
export function schemaOf(kind: keyof typeof kinds): StructuralSchema {
  const schema = schemas.get(kind) ?? structuralSchema(kinds[kind]);
  schemas.set(kind, schema);
  return schema;
}

/**
 * Reads a file of one or more YAML documents and reports everything that is wrong with it.
 *
 * @param file only for the problems
 */
export function validateManifest(text: string, file: string): ValidatedManifest {
  const lines = new LineCounter();
  const pipelines = new Map<R1Pipeline, Place>();
  const stages = new Map<R1Stage, Place>();
  const problems: ManifestProblem[] = [];
  const pipelineSpecs: { spec: unknown; place: Place }[] = [];
  const positionOf = (document: Document.Parsed, path: Path, offset = offsetOf(document, path)) =>
    offset === undefined ? undefined : lines.linePos(offset);
  const tooDeep = tooDeepAt(text);
  const documents = tooDeep === undefined ? documentsOf(text, lines) : undefined;
  if (documents === undefined)
    problems.push(
      manifestProblem(file, 0, nestedTooDeeply, tooDeep === undefined ? undefined : placeOf(text, tooDeep)),
    );
  documents?.forEach((document, index) => {
    const place: Place = (problem, offset) =>
      manifestProblem(file, index, problem, positionOf(document, problem.path, offset));
    const checked = validateDocument(document, text);
    if (checked.pipeline !== undefined) pipelines.set(checked.pipeline, place);
    if (checked.stage !== undefined) stages.set(checked.stage, place);
    const { kind, spec } = (checked.pipeline ?? checked.value ?? {}) as { kind?: unknown; spec?: unknown };
    if (kind === 'R1Pipeline') pipelineSpecs.push({ spec, place });
    problems.push(...(checked.problems ?? []).map(({ offset, ...problem }) => place(problem, offset)));
  });
  for (const named of [pipelines, stages]) problems.push(...namedTwice(named));
  if (pipelines.size + stages.size + problems.length === 0) {
    problems.push(manifestProblem(file, 0, problemAt([], 'no document', 'an R1Pipeline'), undefined));
  }
  problems.sort(inFileOrder);
  return {
    pipelines: [...pipelines.keys()],
    stages: [...stages.keys()],
    problems,
    pipelineSpecs,
    place(document, problem) {
      const place = pipelines.get(document as R1Pipeline) ?? stages.get(document as R1Stage);
      return place === undefined ? manifestProblem(file, 0, problem, undefined) : place(problem);
    },
  };
}

/** Of two resources of one name the second would take the place of the first. */
function namedTwice(resources: ReadonlyMap<R1Pipeline | R1Stage, Place>): ManifestProblem[] {
  const seen = new Set<string>();
  return Array.from(resources, ([{ kind, metadata }, place]) => {
    const name = `${metadata.namespace ?? ''}/${metadata.name}`;
    const isSecond = seen.has(name);
    seen.add(name);
    const found = `a second ${kind} ${metadata.name}`;
    return isSecond ? [place(problemAt(['metadata', 'name'], found, 'each name once'))] : [];
  }).flat();
}

/** Line and column, from 1, also where no parser has counted lines. */
function placeOf(text: string, offset: number): { readonly line: number; readonly col: number } {
  return { line: linesAbove(text, offset).length + 1, col: columnOf(text, offset) };
}

/** None where they are nested so deeply that the parser's stack ends. */
function documentsOf(text: string, lineCounter: LineCounter): readonly Document.Parsed[] | undefined {
  try {
    return parseDocuments(text, lineCounter);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

export function inFileOrder(a: ManifestProblem, b: ManifestProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

type Place = (problem: ValueProblem, offset?: number) => ManifestProblem;

function manifestProblem(
  file: string,
  document: number,
  { path, found, expected, message }: ValueProblem,
  position: { readonly line: number; readonly col: number } | undefined,
): ManifestProblem {
  const shown = formatPath(path);
  return {
    file,
    document,
    path: shown,
    ...(position === undefined ? {} : { line: position.line, column: position.col }),
    found,
    expected,
    message: shown === '' ? message : `${shown}: ${message}`,
  };
}

/** The resource of a document, or what is wrong with it and its value; nothing for an empty one. */
function validateDocument(
  document: Document.Parsed,
  text: string,
): {
  readonly value?: unknown;
  readonly pipeline?: R1Pipeline;
  readonly stage?: R1Stage;
  readonly problems?: readonly (ValueProblem & { readonly offset?: number })[];
} {
  const ofSyntax = yamlProblem(document, text);
  if (ofSyntax !== undefined) return { problems: [ofSyntax] };
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return { problems: [unresolvedAlias(document, cause) ?? broken(cause)] };
  }
  if (value === null) return {}; // between two --- there is nothing, or a comment
  if (isCircular(value)) return { problems: [broken('found an alias inside of what it stands for')] };

  const kind = kindOf(value);
  if (Array.isArray(kind)) return { value, problems: kind };
  const checked = checkValue(schemaOf(kind), value);
  if (checked.problems.length > 0) return { value, problems: checked.problems };
  return kind === 'R1Pipeline'
    ? { pipeline: r1Pipeline.parse(checked.value) }
    : { stage: r1Stage.parse(checked.value) };
}

function broken(message: string): ValueProblem {
  return { path: [], found: message, expected: 'valid YAML', message };
}

function isCircular(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return false;
  } catch {
    return true;
  }
}

/** The kind of a document, or what keeps it from being one of ours. */
function kindOf(value: unknown): keyof typeof kinds | ValueProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [problemAt([], describe(value), 'an object with apiVersion and kind')];
  }
  const { apiVersion: version, kind } = value as Record<string, unknown>;
  const known = Object.keys(kinds);
  const problems: ValueProblem[] = [];
  if (version !== apiVersion) {
    const other =
      typeof version === 'string' && version.startsWith(`${apiGroup}/`) ? ', the only version known here' : '';
    problems.push(problemAt(['apiVersion'], describe(version), `${apiVersion}${other}`));
  }
  if (typeof kind !== 'string' || !known.includes(kind)) {
    const meant = typeof kind === 'string' ? didYouMean(kind, known) : undefined;
    problems.push(problemAt(['kind'], describe(kind), meant ?? known.join(' or ')));
  }
  return problems.length > 0 ? problems : (kind as keyof typeof kinds);
}

/** Where a path starts in the text; of a path that is not there, its nearest parent. */
function offsetOf(document: Document.Parsed, path: Path): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    const range = (node as { range?: readonly number[] | null } | null | undefined)?.range;
    if (range) return range[0];
  }
  return undefined;
}
