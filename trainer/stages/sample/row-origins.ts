import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../algorithms/canonical-json.ts';
import { hashFile } from '../../checkpoint/manifest.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { decisiveJudge, type JudgeSettings } from '../../contract/settings/judge.ts';
import { type RowManifest, rowManifestName } from '../../contract/settings/row-origin.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import { gramWords } from '../../data/origins/evaluation-grams.ts';
import { filterNames, judgeDigest, judgeFilter, withOrigin } from '../../data/origins/row-origin.ts';
import { filterVersions } from '../../rewards/examine.ts';
import { datasetDigest, decontaminatedFor, startDigest } from '../workspace/settings-digest.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Which samples of a prompt a row is made of. */
export interface SampledFrom {
  readonly row: Row;
  readonly method: string;
  readonly samples: readonly number[];
  /** What the judge gave it, where it was asked. */
  readonly score?: number | undefined;
}

/** Says of kept rows where they are from. */
export class RowOrigins {
  readonly #manifest: Omit<RowManifest, 'files'>;
  readonly #filters: string[];
  readonly #judge: string | undefined;

  private constructor(manifest: Omit<RowManifest, 'files'>) {
    [this.#manifest, this.#filters] = [manifest, filterNames(manifest)];
    this.#judge = judgeDigest(manifest);
  }

  static async open(settings: SampleSettings, { file, settings: { learned } }: Workspace): Promise<RowOrigins> {
    const { stage, seed, datasets } = file;
    const used = datasets.filter(({ name }) => settings.prompts.includes(name));
    const digests = used.map(({ name, generator }) => {
      const sha256 = learned[name]?.sha256 ?? sha256Of({ generator, seed });
      return [name, { sha256 }] as const;
    });
    return new RowOrigins({
      version: 1,
      stage,
      seed,
      model: await startDigest(file),
      datasets: Object.fromEntries(digests),
      filters: [...(await cleaning(file)), ...filtersOf(settings, file.inputs)],
    });
  }

  /** The kept row, sealed. */
  seal(kept: Row, { row, method, samples, score }: SampledFrom): Row {
    const { datasets, model, stage, seed } = this.#manifest;
    const data = datasets[row.dataset]?.sha256;
    if (data === undefined) throw new Error(`no dataset of the stage is named ${row.dataset}`);
    const filters = this.#filters;
    const judge = score === undefined || this.#judge === undefined ? {} : { judge: { sha256: this.#judge, score } };
    return withOrigin(kept, {
      data,
      model,
      stage,
      seed,
      prompt: row.id,
      method,
      samples: [...samples],
      filters,
      ...judge,
    });
  }

  /** Describes the files of rows in a directory, for those who have nothing else. */
  async writeManifest(directory: string, names: readonly string[]): Promise<void> {
    const files: RowManifest['files'] = [];
    for (const name of names) {
      const path = join(directory, name);
      // oxlint-disable-next-line no-await-in-loop -- one file after the other
      files.push({ path: name, rows: await countLines(path), ...(await hashFile(path)) });
    }
    const manifest: RowManifest = { ...this.#manifest, files };
    await writeFile(join(directory, rowManifestName), `${JSON.stringify(manifest, undefined, 2)}\n`);
  }
}

/** What it is decontaminated of, if anything. */
async function cleaning(file: StageFile): Promise<RowManifest['filters']> {
  const datasets = decontaminatedFor(file);
  if (datasets.length === 0) return [];
  const digests = datasets.map(async (each) => [each.name, await datasetDigest(each, file.seed)] as const);
  const against = Object.fromEntries(await Promise.all(digests));
  return [{ name: 'decontaminated', version: 2, settings: { words: gramWords, against } }];
}

function filtersOf(
  { keep, minLanguageConsistency, judge: ofRows, pairs, labels }: SampleSettings,
  inputs: StageFile['inputs'],
): RowManifest['filters'] {
  const settings = { oneLanguage: { minLanguageConsistency } } as Partial<Record<string, Record<string, unknown>>>;
  const rules = keep.map((name) => ({ name, version: filterVersions[name], settings: settings[name] ?? {} }));
  if (ofRows) return [...rules, { name: judgeFilter, version: 1, settings: judgedBy(ofRows, inputs) }];
  if (labels) {
    const { judge, atLeast, atMost } = labels;
    const bounds = { labelledFrom: atLeast, ...(atMost !== undefined && { labelledUpTo: atMost }) };
    const labelling = { ...judgedBy(judge, inputs), ...bounds };
    return [...rules, { name: judgeFilter, version: 1, settings: labelling }];
  }
  if (pairs === undefined) return rules;
  const { judge, lengthRatio } = pairs;
  return [...rules, { name: 'judgedPairs', version: 1, settings: { judge: decisiveJudge(judge), lengthRatio } }];
}

/** Who judges, by what: a model of the pipeline by its digest, a server by its address and what it calls the model. */
function judgedBy(judge: Partial<JudgeSettings>, inputs: StageFile['inputs']): Record<string, unknown> {
  const model = judge.from === undefined ? {} : { model: inputs[judge.from]?.digest };
  return { ...decisiveJudge(judge), ...model };
}

function sha256Of(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

async function countLines(path: string): Promise<number> {
  let lines = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  }
  return lines;
}
