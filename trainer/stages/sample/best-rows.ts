import type { Funnel } from '../../algorithms/funnel.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import { withCompletion } from '../../data/with-completion.ts';
import { BestOfFigures } from './best-of-figures.ts';
import type { SampleCandidate } from './candidates.ts';
import type { InputModels } from '../policy/input-models.ts';
import type { Examined } from './judged-pairs.ts';
import { JudgedRows } from './judged-rows.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { RowOrigins } from './row-origins.ts';
import type { EarlierTurns, Method } from './sampler.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** The best completions of each prompt, as rows to learn from: by the filters, by a judge, by rank. */
export class BestRows {
  readonly #rewardModel: string | undefined;
  readonly #models: InputModels;
  readonly #judge: JudgedRows | undefined;
  readonly #preferences = new BestOfFigures();
  /** Nothing is kept back to measure with. */
  readonly heldOut: readonly Row[] = [];

  private constructor(rewardModel: string | undefined, models: InputModels, judge: JudgedRows | undefined) {
    [this.#rewardModel, this.#models, this.#judge] = [rewardModel, models, judge];
  }

  /** @throws UserError for a rubric that cannot be used */
  static async open(
    { rewardModel, judge }: SampleSettings,
    workspace: Workspace,
    models: InputModels,
  ): Promise<BestRows> {
    return new BestRows(rewardModel, models, judge && (await JudgedRows.open(judge, workspace, models)));
  }

  /** The kept completions of these prompts. */
  async rows(examined: readonly Examined[], funnel: Funnel, origins: RowOrigins): Promise<Row[]> {
    const survivors: { row: Row; candidates: SampleCandidate[] }[] = [];
    const scored: SampleCandidate[][] = [];
    for (const { row, candidates } of examined) {
      // oxlint-disable-next-line no-await-in-loop -- a batch a prompt
      const all = await this.#withScores(row, candidates);
      scored.push(all);
      survivors.push({ row, candidates: funnel.survivors(all) });
    }
    const passed = this.#judge
      ? await this.#judge.pass(survivors, funnel)
      : survivors.map(({ candidates }) => candidates);
    return examined.flatMap(({ row, method }, at) => {
      const kept = funnel.best(row.domain, passed[at] ?? []);
      this.#preferences.add(scored[at] ?? [], kept);
      return kept.map((each, rank) =>
        origins.seal(asRow(row, method, each, rank), { row, method, samples: [each.sample], score: each.judge }),
      );
    });
  }

  metrics(): Metrics {
    return { ...this.#preferences.metrics(), ...this.#judge?.metrics() };
  }

  async close(): Promise<void> {
    await this.#judge?.close();
  }

  async #withScores(row: Row, candidates: readonly SampleCandidate[]): Promise<SampleCandidate[]> {
    if (this.#rewardModel === undefined) return [...candidates];
    const texts = candidates.map(({ text }) => ({ row, text }));
    const scores = await this.#models.score({ from: this.#rewardModel }, texts);
    return zip(candidates, scores).map(([candidate, score]) => ({ ...candidate, rewardModel: score }));
  }
}

/** The row as what stands before the last turn of a conversation. */
function afterTurns(row: Row, before: EarlierTurns | undefined): Row {
  return before === undefined ? row : { ...row, ...before, messages: [...row.messages, ...before.messages] };
}

/** A kept completion as a training row: its prompt is the plain one, however it was put when sampled. */
export function asRow(row: Row, method: Method, { text, before }: SampleCandidate, rank: number): Row {
  const whole = { ...afterTurns(row, before), id: `${row.id}/${rank}` };
  return method === 'given' ? { ...whole, completion: text } : withCompletion(whole, text);
}
