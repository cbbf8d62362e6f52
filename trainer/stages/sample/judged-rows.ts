import type { Funnel } from '../../algorithms/funnel.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { JudgeOfRowsSettings } from '../../contract/settings/judge.ts';
import { parseResponse } from '../../rewards/responses/parse-response.ts';
import type { SampleCandidate } from './candidates.ts';
import type { InputModels } from '../policy/input-models.ts';
import { metricsOfJudge, type OpenedJudge, openScoringJudge } from '../policy/judges.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** What the filters let through of one prompt. */
export interface Survivors {
  readonly row: Row;
  readonly candidates: readonly SampleCandidate[];
}

/** The judge of a sample stage: it reads what the filters let through, and leaves out what it finds too bad. */
export class JudgedRows {
  readonly #settings: JudgeOfRowsSettings;
  readonly #opened: OpenedJudge;
  readonly #counts = { asked: 0, passed: 0, too_low: 0, unjudged: 0 };
  #sum = 0;

  private constructor(settings: JudgeOfRowsSettings, opened: OpenedJudge) {
    [this.#settings, this.#opened] = [settings, opened];
  }

  /** @throws UserError for a rubric that cannot be used */
  static async open(settings: JudgeOfRowsSettings, workspace: Workspace, models: InputModels): Promise<JudgedRows> {
    return new JudgedRows(settings, await openScoringJudge(settings, workspace, models));
  }

  /** Those that are good enough of each prompt, in the same order, with their scores. */
  async pass(survivors: readonly Survivors[], funnel: Funnel): Promise<SampleCandidate[][]> {
    const { scope } = this.#settings;
    const asked = survivors.filter(({ row }) => this.#asks(row));
    const texts = asked.flatMap(({ row, candidates }) =>
      candidates.map(({ text }) => ({ row, text: scope === 'summary' ? parseResponse(text).summary : text })),
    );
    const scores = (texts.length === 0 ? [] : await this.#opened.judge.score(texts)).values();
    return survivors.map(({ row, candidates }) => {
      if (!this.#asks(row)) return [...candidates];
      return candidates.flatMap((candidate) => {
        const score = scores.next().value;
        this.#counts.asked++;
        if (typeof score !== 'number') {
          this.#counts.unjudged++;
          funnel.drop('unjudged', 1);
          return [];
        }
        this.#sum += score;
        if (score >= this.#settings.atLeast) {
          this.#counts.passed++;
          return [{ ...candidate, judge: score }];
        }
        this.#counts.too_low++;
        funnel.drop('tooLow', 1);
        return [];
      });
    });
  }

  /** What it was asked, and what it said. */
  metrics(): Metrics {
    const { asked, unjudged } = this.#counts;
    return prefixed('judge', {
      ...this.#counts,
      ...(asked > unjudged && { mean: this.#sum / (asked - unjudged) }),
      ...metricsOfJudge(this.#opened.judge.takeFigures()),
    });
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  #asks({ domain }: Row): boolean {
    return this.#settings.domains?.includes(domain) ?? true;
  }
}
