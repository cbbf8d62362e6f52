import { LineCounter, parseAllDocuments, type Document } from 'yaml';
import type { z } from 'zod';
import { checkValue, formatPath, type Path, type ValueProblem } from './check-value.ts';
import { apiGroup, apiVersion } from './metadata.ts';
import { r1Pipeline, type R1Pipeline } from './pipeline.ts';
import { r1Stage, type R1Stage } from './stage.ts';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';
import { didYouMean } from './suggestion.ts';

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
  const result: ValidatedManifest = { pipelines: [], stages: [], problems: [] };
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  if (!Array.isArray(documents)) return emptyFile(result, file);

  let empty = true;
  documents.forEach((document, index) => {
    const report = (path: Path, found: string, expected: string, message: string, offset?: number): void => {
      const at = offset ?? offsetOf(document, path);
      const position = at === undefined ? undefined : lines.linePos(at);
      const shown = formatPath(path);
      result.problems.push({
        file,
        document: index,
        path: shown,
        ...(position === undefined ? {} : { line: position.line, column: position.col }),
        found,
        expected,
        message: shown === '' ? message : `${shown}: ${message}`,
      });
    };
    if (document.errors.length > 0) {
      empty = false;
      for (const { message, pos } of document.errors) {
        const { line, col } = lines.linePos(pos[0]);
        report([], message, 'valid YAML', `line ${line}, column ${col}: ${message}`, pos[0]);
      }
      return;
    }
    if (document.contents === null) return;
    empty = false;
    const value = parsed(document, report);
    if (value === undefined) return;
    validateDocument(value, result, (problem) =>
      report(problem.path, problem.found, problem.expected, problem.message),
    );
  });
  if (empty) return emptyFile(result, file);
  result.problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return result;
}

function validateDocument(value: unknown, result: ValidatedManifest, report: (problem: ValueProblem) => void): void {
  const kind = kindOf(value, report);
  if (kind === undefined) return;
  const checked = checkValue(schemaOf(kind), value);
  if (checked.problems.length > 0) {
    checked.problems.forEach(report);
    return;
  }
  if (kind === 'R1Pipeline') result.pipelines.push(r1Pipeline.parse(checked.value));
  else result.stages.push(r1Stage.parse(checked.value));
}

function kindOf(value: unknown, report: (problem: ValueProblem) => void): keyof typeof kinds | undefined {
  const problem = (path: Path, found: string, expected: string): undefined => {
    report({ path, found, expected, message: `found ${found}, expected ${expected}` });
  };
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return problem([], Array.isArray(value) ? 'a list' : JSON.stringify(value), 'an object with apiVersion and kind');
  }
  const { apiVersion: version, kind } = value as Record<string, unknown>;
  const known = Object.keys(kinds);
  const versionFits = version === apiVersion;
  const kindFits = typeof kind === 'string' && known.includes(kind);
  if (!versionFits) {
    const other =
      typeof version === 'string' && version.startsWith(`${apiGroup}/`) ? ', the only version known here' : '';
    problem(['apiVersion'], version === undefined ? 'nothing' : JSON.stringify(version), `${apiVersion}${other}`);
  }
  if (!kindFits) {
    const meant = typeof kind === 'string' ? didYouMean(kind, known) : undefined;
    problem(['kind'], kind === undefined ? 'nothing' : JSON.stringify(kind), meant ?? known.join(' or '));
  }
  return versionFits && kindFits ? (kind as keyof typeof kinds) : undefined;
}

function parsed(
  document: Document.Parsed,
  report: (path: Path, found: string, expected: string, message: string) => void,
): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report([], message, 'valid YAML', message);
    return undefined;
  }
}

function emptyFile(result: ValidatedManifest, file: string): ValidatedManifest {
  const [found, expected] = ['no document', 'an R1Pipeline'];
  result.problems.push({
    file,
    document: 0,
    path: '',
    found,
    expected,
    message: `found ${found}, expected ${expected}`,
  });
  return result;
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
