import { createReadStream } from 'node:fs';
import { contextWarnings } from '../operator/api/context-warnings.ts';
import { evaluationWarnings } from '../operator/api/evaluation-plan.ts';
import {
  inFileOrder,
  type ManifestProblem,
  type ValidatedManifest,
  validateManifest,
} from '../operator/api/manifest.ts';
import { parseDocuments } from '../operator/api/yaml/parse-documents.ts';
import { formatPath } from '../operator/api/check/value-problem.ts';
import { controlProblems } from '../operator/core/pipeline/control-problems.ts';
import { gateProblems } from '../operator/core/pipeline/gate-metrics.ts';
import { guardProblems } from '../operator/core/pipeline/guard-data.ts';
import { fileProblems } from '../operator/local/check-files.ts';
import type { RunsHere } from '../operator/local/run-options.ts';
import { printable, UserError } from '../trainer/contract/process/errors.ts';
import { foundInstead } from '../trainer/contract/process/found-instead.ts';

/** An API server takes no larger request either, and YAML needs a hundred times as much memory as text. */
const largestBytes = 3 << 20;
const problemsShown = 20;

/**
 * Everything that is wrong with a manifest and with the files that it names, as far as they are looked at before a stage
 * starts.
 *
 * @param file `-` is stdin
 * @param here where the pipeline is to run on this machine
 * @throws UserError when it cannot be read
 */
export async function readManifestFile(file: string, here?: RunsHere): Promise<CheckedManifest> {
  const manifest = checkedManifest(await textOf(file), file);
  const problems = [...manifest.problems];
  const warnings = warningsOf(manifest);
  for (const { spec, place } of manifest.pipelineSpecs) {
    for (const problem of await fileProblems(spec, file, here)) {
      if (problem.warning) warnings.push(`${formatPath(problem.path)}: ${problem.message}`);
      else problems.push(place(problem));
    }
  }
  return { ...manifest, problems: problems.toSorted(inFileOrder), warnings };
}

/** A manifest with what a person should know of it although it is valid: path and sentence. */
export interface CheckedManifest extends ValidatedManifest {
  readonly warnings: readonly string[];
}

/** What can be known without the files. */
export function warningsOf({ pipelines }: ValidatedManifest): string[] {
  return [...pipelines.flatMap(evaluationWarnings), ...pipelines.flatMap(contextWarnings)];
}

/** Everything that is wrong with the manifest itself. */
function checkedManifest(text: string, file: string): ValidatedManifest {
  const manifest = validateManifest(text, file);
  const ofStages = manifest.pipelines.flatMap((pipeline) =>
    [...gateProblems(pipeline), ...guardProblems(pipeline), ...controlProblems(pipeline)].map((problem) =>
      manifest.place(pipeline, problem),
    ),
  );
  return { ...manifest, problems: [...manifest.problems, ...ofStages].toSorted(inFileOrder) };
}

/** The documents of a manifest as they were written, without defaults. */
export interface WrittenManifest extends ValidatedManifest {
  readonly documents: readonly WrittenDocument[];
}

export interface WrittenDocument {
  readonly kind: 'R1Pipeline' | 'R1Stage';
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: object;
}

/**
 * A manifest for a cluster: what it names need not be on this machine.
 *
 * @throws UserError when it cannot be read, or with everything that is wrong with it
 */
export async function readWrittenManifest(file: string): Promise<WrittenManifest> {
  const text = await textOf(file);
  const manifest = checkedManifest(text, file);
  refuseProblems(file, manifest.problems);
  const documents = parseDocuments(text)
    .map((document) => document.toJS({ maxAliasCount: 100 }) as WrittenDocument | null)
    .filter((document) => document !== null);
  return { ...manifest, documents };
}

/** @throws UserError with the problems, if there are any */
export function refuseProblems(file: string, problems: readonly ManifestProblem[]): void {
  if (problems.length === 0) return;
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const more = problems.length > problemsShown ? [`… (r1 validate ${file} prints them all)`] : [];
  const lines = [...problems.slice(0, problemsShown).map(describe), ...more];
  throw new UserError(`${file} has ${count}:\n${lines.join('\n')}`);
}

async function textOf(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      chunks.push(chunk as Buffer);
      bytes += (chunk as Buffer).length;
      if (bytes > largestBytes) break;
    }
  } catch (cause) {
    throw new UserError(`${file}: found ${foundInstead(cause)}, expected a manifest`, { cause });
  }
  if (bytes > largestBytes) throw new UserError(`${file}: found more than ${largestBytes} bytes, expected a manifest`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new UserError(`${file}: found bytes that are no UTF-8 text, expected a manifest`, { cause });
  }
}

/** `FILE:LINE:COLUMN: PATH: what is wrong`, which editors can jump to. */
export function describe({ file, line, column, message }: ManifestProblem): string {
  const position = line === undefined ? '' : `:${line}:${column ?? 1}`;
  return printable(`${file}${position}: ${message}`);
}
