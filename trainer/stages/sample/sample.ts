import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFunnel, type FunnelCounts } from '../../algorithms/funnel.ts';
import { zip } from '../../algorithms/zip.ts';
import { partialOf } from '../../checkpoint/partials.ts';
import { heldOutRowsName, passRatesName, rowsName } from '../../contract/files/checkpoint.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { StageResult } from '../../contract/files/progress.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import type { RowList } from '../../data/lists/row-list.ts';
import { writeRows } from '../../data/rows.ts';
import { countReflections } from '../../rewards/responses/reflection.ts';
import { BestRows } from './best-rows.ts';
import { candidatesOf } from './candidates.ts';
import { type Examined, JudgedPairs } from './judged-pairs.ts';
import { LabelledRows } from './labelled-rows.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import { loadPolicy } from '../training/load-policy.ts';
import { InputModels } from '../policy/input-models.ts';
import { addPassRates, beginPassRates } from '../workspace/pass-rate-file.ts';
import { RowOrigins } from './row-origins.ts';
import { type Method, type Sampled, Sampler } from './sampler.ts';
import { warnOfLength, warnOfQuotas } from '../policy/sampling-warnings.ts';
import { finishedEarlier, successResult } from '../workspace/success.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Prompts sampled between two saves. */
const chunkPrompts = 64;

/** Rejection sampling: many completions a prompt, filtered by rules, ranked, the best kept as rows for SFT, or as pairs or with labels for a reward model. */
export async function sample(settings: SampleSettings, workspace: Workspace): Promise<StageResult> {
  const finished = await workspace.output.finishedData();
  if (finished) {
    warnOfQuotas(settings, finished.metrics, workspace.warnings);
    await workspace.log.rewind(-1);
    await workspace.log.metrics(0, finished.metrics);
    return successResult(finishedEarlier, finished.metrics, finished);
  }
  const { policy } = await loadPolicy(workspace);
  const models = new InputModels(workspace);
  let maker: BestRows | JudgedPairs | LabelledRows | undefined;
  try {
    const made = (maker = await makerOf(settings, { workspace, policy, models }));
    warnOfLength(settings.sampling, policy.config, workspace.warnings);
    const sampler = await Sampler.open(settings, workspace, policy);
    await sampler.makeDirectory();
    const funnel = createFunnel(settings);
    const origins = await RowOrigins.open(settings, workspace);
    const reflections = new ReflectionCounter();
    const { rows, figures } = await sampler.rows();
    const examiner = { settings, verify: workspace.verifiers.verifyWhole, grams: sampler.grams };
    // Made anew by every attempt, from the chunks that are there already.
    const kept = partialOf(join(sampler.directory, rowsName));
    const passRates = partialOf(join(sampler.directory, passRatesName));
    await beginPassRates(passRates);

    let saved = 'no prompt';
    async function* keptRows(): AsyncGenerator<Row> {
      for (let start = 0; start < rows.length; start += chunkPrompts) {
        saved = `${start} of ${rows.length} prompts`;
        workspace.stop.heed(saved);
        const chunk = rowsBetween(rows, start, start + chunkPrompts).filter(({ domain }) => !funnel.full(domain));
        const sampled = await sampler.chunk(start / chunkPrompts, chunk);
        const prompts = zip(chunk, sampled);
        const examined = zip(prompts, await candidatesOf(prompts, examiner)).map(
          ([[row, { method }], candidates]): Examined => ({ row, method, candidates }),
        );
        await addPassRates(passRates, examined);
        yield* await made.rows(examined, funnel, origins);
        reflections.add(sampled);
        workspace.progress.report('sample', Math.min(start + chunkPrompts, rows.length), rows.length);
      }
    }
    await workspace.stop.during(
      () => writeRows(kept, keptRows()),
      () => saved,
    );

    const counts = funnel.counts();
    if (counts.kept === 0) throw new UserError(`stage ${workspace.file.stage}: ${whyNone(counts, settings)}`);
    requireSomeToLearn(settings, counts, made.heldOut.length);
    const metrics = {
      sampled: counts.sampled,
      kept: counts.kept,
      ...prefixed('kept', counts.keptByDomain),
      ...made.metrics(),
      ...reflections.rates(),
      ...figures,
    };
    warnOfQuotas(settings, metrics, workspace.warnings);
    const checkpoint = await workspace.output.data(async (directory) => {
      await rename(kept, join(directory, rowsName));
      await rename(passRates, join(directory, passRatesName));
      const { heldOut } = made;
      if (heldOut.length > 0) await writeRows(join(directory, heldOutRowsName), heldOut);
      await origins.writeManifest(directory, [rowsName, ...(heldOut.length > 0 ? [heldOutRowsName] : [])]);
      await writeFile(join(directory, 'funnel.json'), `${JSON.stringify(counts, undefined, 2)}\n`);
    }, metrics);
    await workspace.log.metrics(0, metrics);
    return successResult(`${counts.kept} of ${counts.sampled} completions kept`, metrics, checkpoint);
  } finally {
    await maker?.close();
    await models.close();
    await policy.close();
  }
}

function makerOf(
  settings: SampleSettings,
  opened: { readonly workspace: Workspace; readonly policy: Policy; readonly models: InputModels },
): Promise<BestRows | JudgedPairs | LabelledRows> {
  const { workspace, models } = opened;
  if (settings.pairs) return JudgedPairs.open(settings.pairs, opened);
  if (settings.labels) return LabelledRows.open(settings.labels, workspace, models);
  return BestRows.open(settings, workspace, models);
}

function requireSomeToLearn({ pairs, labels }: SampleSettings, { kept, prompts }: FunnelCounts, heldOut: number): void {
  const [field, what, perRow] = pairs ? ['pairs', 'pairs', 2] : ['labels', 'labelled completions', 1];
  const share = (pairs ?? labels)?.heldOut;
  if (share === undefined || heldOut * perRow < kept) return;
  throw new UserError(
    `sample.${field}.heldOut: all ${heldOut} ${what} are held out, expected some to learn from; it is ${share} of ${prompts} prompts`,
  );
}

function whyNone({ prompts, dropped }: FunnelCounts, { keep, pairs, labels }: SampleSettings): string {
  const { unmatched = 0, draw = 0, uncertain = 0, unjudged = 0, tooLow = 0 } = dropped;
  if (uncertain + unjudged > 0 && labels) {
    return (
      `no completion of ${prompts} prompts was labelled: of ${unjudged} the judge said nothing that can be read, ` +
      `and ${uncertain} are neither good nor bad (labels.atLeast, labels.atMost)`
    );
  }
  if (tooLow + unjudged > 0 && pairs === undefined) {
    return (
      `no completion of ${prompts} prompts was kept: the judge found ${tooLow} too bad (judge.atLeast), ` +
      `and of ${unjudged} it said nothing that can be read`
    );
  }
  if (pairs === undefined || unmatched + draw + unjudged === 0) {
    return `no completion of ${prompts} prompts passed the filters ${keep.join(', ')}`;
  }
  return (
    `no pair came of ${prompts} prompts: ${unmatched} completions have none about as long beside them, ` +
    `${draw} were judged a draw, and of ${unjudged} the judge said nothing that can be read`
  );
}

function rowsBetween(rows: RowList, start: number, end: number): Row[] {
  const length = Math.min(end, rows.length) - start;
  return Array.from({ length }, (_, at) => rows.at(start + at) as Row);
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
