import type { Funnel } from '../../algorithms/funnel.ts';
import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { JudgedLabelsSettings } from '../../contract/settings/judge.ts';
import { isHeldOut } from '../../data/order/is-held-out.ts';
import type { Votes } from '../../rewards/judge/judge.ts';
import { withinScope } from '../../rewards/responses/scope.ts';
import { asRow } from './best-rows.ts';
import type { SampleCandidate } from './candidates.ts';
import type { Examined } from './judged-pairs.ts';
import { LabelFigures } from './label-figures.ts';
import type { InputModels } from '../policy/input-models.ts';
import { type OpenedJudge, openScoringJudge } from '../policy/judges.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { RowOrigins } from './row-origins.ts';
import type { Workspace } from '../workspace/workspace.ts';

interface LabelledCandidate {
  readonly candidate: SampleCandidate;
  /** Mean of the votes, 0–1. */
  readonly score: number;
  readonly label: boolean;
}

/** Labels completions, sampled or given, good or bad by what a judge says of each. */
export class LabelledRows {
  readonly #settings: JudgedLabelsSettings;
  readonly #opened: OpenedJudge;
  readonly #figures = new LabelFigures();
  /** Rows that no stage learns from. */
  readonly heldOut: Row[] = [];

  private constructor(settings: JudgedLabelsSettings, opened: OpenedJudge) {
    [this.#settings, this.#opened] = [settings, opened];
  }

  /** @throws UserError for a rubric that cannot be used */
  static async open(settings: JudgedLabelsSettings, workspace: Workspace, models: InputModels): Promise<LabelledRows> {
    return new LabelledRows(settings, await openScoringJudge(settings.judge, workspace, models));
  }

  /** Labelled completions of these prompts to learn from; those of held-out prompts are kept back. */
  async rows(examined: readonly Examined[], funnel: Funnel, origins: RowOrigins): Promise<Row[]> {
    const { scope } = this.#settings.judge;
    const survivors = examined.map(({ candidates }) => funnel.survivors(candidates));
    const texts = zip(examined, survivors).flatMap(([{ row }, ofRow]) =>
      ofRow.map(({ text }) => ({ row, text: withinScope(scope, text) })),
    );
    const votes = (texts.length === 0 ? [] : await this.#opened.judge.votes(texts)).values();
    return zip(examined, survivors).flatMap(([{ row, method }, ofRow]) => {
      const own = method === 'given' ? row.label : undefined;
      const labelled = ofRow.flatMap((each) => this.#label(each, votes.next().value, own, funnel) ?? []);
      const kept = funnel.keep(row.domain, labelled);
      const rows = kept.map(({ candidate, label, score }, rank) => {
        const { sample } = candidate;
        return origins.seal(
          { ...asRow(row, method, candidate, rank), label },
          { row, method, samples: [sample], score },
        );
      });
      const isKeptBack = isHeldOut(row, this.#settings.heldOut);
      this.#figures.keep(kept, isKeptBack);
      if (!isKeptBack) return rows;
      this.heldOut.push(...rows);
      return [];
    });
  }

  /** What the judge was asked, how it labelled, and how far it agrees with itself and with the rows' own labels. */
  metrics(): Metrics {
    return this.#figures.metrics(this.#opened.judge.takeFigures());
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  #label(
    candidate: SampleCandidate,
    votes: Votes | undefined,
    own: boolean | undefined,
    funnel: Funnel,
  ): LabelledCandidate | undefined {
    const { judge, atLeast, atMost = Infinity } = this.#settings;
    if (votes === undefined || 'because' in votes) {
      this.#figures.addUnjudged();
      funnel.drop('unjudged', 1);
      return undefined;
    }
    // Divided once: the mean of three times 0.7 is less than 0.7.
    const score = mean(votes) / judge.scale;
    const label = score >= atLeast;
    if (!label && score > atMost) {
      this.#figures.addUncertain();
      funnel.drop('uncertain', 1);
      return undefined;
    }
    this.#figures.add({ label, sides: votes.map((vote) => vote / judge.scale >= atLeast), own });
    return { candidate, score, label };
  }
}
