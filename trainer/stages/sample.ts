import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Candidate, createFunnel } from '../algorithms/funnel.ts';
import { zip } from '../algorithms/zip.ts';
import { partialOf } from '../checkpoint/partials.ts';
import type { Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { StageResult } from '../contract/progress.ts';
import type { SampleSettings } from '../contract/settings.ts';
import type { RowList } from '../data/row-list.ts';
import { writeRows } from '../data/rows.ts';
import { examine } from '../rewards/examine.ts';
import { parseResponse } from '../rewards/parse-response.ts';
import { countReflections } from '../rewards/reflection.ts';
import { withCompletion } from '../data/with-completion.ts';
import type { Metrics } from './metrics.ts';
import { loadPolicy } from './load-policy.ts';
import { InputModels } from './input-models.ts';
import { type Method, type Sampled, Sampler } from './sampler.ts';
import { warnOfLength } from './sampling-warnings.ts';
import { finishedEarlier, successResult } from './success.ts';
import type { Workspace } from './workspace.ts';

/** Prompts sampled between two saves. */
const chunkPrompts = 64;

/** Rejection sampling: many completions a prompt, filtered by rules, ranked, the best kept as rows for SFT. */
export async function sample(settings: SampleSettings, workspace: Workspace): Promise<StageResult> {
  const finished = await workspace.output.finishedData();
  if (finished) {
    await workspace.log.rewind(-1);
    await workspace.log.metrics(0, finished.metrics);
    return successResult(finishedEarlier, finished.metrics, finished);
  }
  const { policy } = await loadPolicy(workspace);
  const models = new InputModels(workspace);
  try {
    warnOfLength(settings.sampling, policy.config, workspace.warnings);
    const sampler = new Sampler(settings, workspace, policy);
    await sampler.makeDirectory();
    const funnel = createFunnel(settings);
    const reflections = new ReflectionCounter();
    const { rows, figures } = await sampler.rows();
    // Made anew by every attempt, from the chunks that are there already.
    const kept = partialOf(join(sampler.directory, 'rows.jsonl'));

    let saved = 'no prompt';
    async function* keptRows(): AsyncGenerator<Row> {
      for (let start = 0; start < rows.length; start += chunkPrompts) {
        saved = `${start} of ${rows.length} prompts`;
        workspace.stop.heed(saved);
        const chunk = rowsBetween(rows, start, start + chunkPrompts).filter(({ domain }) => !funnel.full(domain));
        const sampled = await sampler.chunk(start / chunkPrompts, chunk);
        for (const [row, { completions }] of zip(chunk, sampled)) {
          const candidates: Candidate[] = [];
          for (const completion of completions) {
            candidates.push(
              await examine(row, completion, settings.minLanguageConsistency, workspace.verifiers.verify),
            );
          }
          const ranked = settings.rewardModel
            ? await withModelScores(models, settings.rewardModel, row, candidates)
            : candidates;
          for (const [rank, { text }] of funnel.select(row.domain, ranked).entries()) yield asRow(row, text, rank);
        }
        reflections.add(sampled);
        workspace.progress.report('sample', Math.min(start + chunkPrompts, rows.length), rows.length);
      }
    }
    await workspace.stop.during(
      () => writeRows(kept, keptRows()),
      () => saved,
    );

    const counts = funnel.counts();
    if (counts.kept === 0) {
      throw new UserError(
        `stage ${workspace.file.stage}: no completion of ${rows.length} prompts passed the filters ${settings.keep.join(', ')}`,
      );
    }
    const metrics = { sampled: counts.sampled, kept: counts.kept, ...reflections.rates(), ...figures };
    const checkpoint = await workspace.output.data(async (directory) => {
      await rename(kept, join(directory, 'rows.jsonl'));
      await writeFile(join(directory, 'funnel.json'), `${JSON.stringify(counts, undefined, 2)}\n`);
    }, metrics);
    await workspace.log.metrics(0, metrics);
    return successResult(`${counts.kept} of ${counts.sampled} completions kept`, metrics, checkpoint);
  } finally {
    await models.close();
    await policy.close();
  }
}

function rowsBetween(rows: RowList, start: number, end: number): Row[] {
  const length = Math.min(end, rows.length) - start;
  return Array.from({ length }, (_, at) => rows.at(start + at) as Row);
}

async function withModelScores(
  models: InputModels,
  stage: string,
  row: Row,
  candidates: readonly Candidate[],
): Promise<Candidate[]> {
  const scores = await models.score(
    stage,
    candidates.map(({ text }) => ({ row, text: parseResponse(text).summary })),
  );
  return zip(candidates, scores).map(([candidate, score]) => ({ ...candidate, rewardModel: score }));
}

/** A kept completion as a training row: its prompt is the plain one, however it was put when sampled. */
function asRow(row: Row, text: string, rank: number): Row {
  return withCompletion({ ...row, id: `${row.id}/${rank}` }, text);
}

/** How often completions verify or revise, by prompting method. */
class ReflectionCounter {
  private readonly counts = new Map<Method, { completions: number; reflecting: number }>();

  add(sampled: readonly Sampled[]): void {
    for (const { method, completions } of sampled) {
      const count = this.counts.get(method) ?? { completions: 0, reflecting: 0 };
      count.completions += completions.length;
      count.reflecting += completions.filter(({ text }) => countReflections(text) > 0).length;
      this.counts.set(method, count);
    }
  }

  rates(): Metrics {
    const rates = Array.from(this.counts, ([method, { completions, reflecting }]): [string, number] => [
      `reflection_rate/${method}`,
      reflecting / completions,
    ]);
    return Object.fromEntries(rates);
  }
}
