import type { Funnel } from '../../algorithms/funnel.ts';
import { matchLengths } from '../../algorithms/match-lengths.ts';
import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { JudgedPairsSettings } from '../../contract/settings/judge.ts';
import type { Score } from '../../rewards/score.ts';
import { parseResponse } from '../../rewards/responses/parse-response.ts';
import { isHeldOut } from '../../data/order/is-held-out.ts';
import type { SampleCandidate } from './candidates.ts';
import type { InputModels } from '../policy/input-models.ts';
import { metricsOfJudge, type OpenedJudge, openJudge } from '../policy/judges.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import type { Method } from './sampler.ts';
import type { RowOrigins } from './row-origins.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** A prompt, how it was put, and what was sampled of it. */
export interface Examined {
  readonly row: Row;
  readonly method: Method;
  readonly candidates: readonly SampleCandidate[];
}

interface JudgedText {
  readonly row: Row;
  readonly text: string;
  readonly sample: number;
  readonly tokens: number;
}

type JudgedPair = readonly [JudgedText, JudgedText];

interface DecidedPair {
  readonly chosen: JudgedText;
  readonly rejected: JudgedText;
  /** How much better the chosen one is, on the scale of the judge. */
  readonly difference: number;
}

/** Makes pairs of completions, by what a judge says of them. */
export class JudgedPairs {
  readonly #settings: JudgedPairsSettings;
  readonly #tokensOf: (text: string) => number;
  readonly #opened: OpenedJudge;
  readonly #counts = { asked: 0, draws: 0, unjudged: 0, kept: 0, held_out: 0 };
  /** Of each kept pair: 1 where the chosen text is the longer one, 0.5 for equal lengths. */
  readonly #longer: number[] = [];
  /** Pairs that no stage learns from. */
  readonly heldOut: Row[] = [];

  private constructor(settings: JudgedPairsSettings, policy: Policy, opened: OpenedJudge) {
    [this.#settings, this.#opened] = [settings, opened];
    this.#tokensOf = (text) => policy.tokenizer.encode(text).length;
  }

  /** @throws UserError for a rubric that cannot be used */
  static async open(
    settings: JudgedPairsSettings,
    { workspace, policy, models }: { workspace: Workspace; policy: Policy; models: InputModels },
  ): Promise<JudgedPairs> {
    const judge = { ...settings.judge, by: 'comparison' as const };
    return new JudgedPairs(settings, policy, await openJudge(judge, workspace, models));
  }

  /** Pairs of these prompts to learn from; those of held-out prompts are kept back. */
  async rows(examined: readonly Examined[], funnel: Funnel, origins: RowOrigins): Promise<Row[]> {
    const matched = examined.map(({ row, method, candidates }) => {
      const survivors = funnel.survivors(candidates);
      const pairs = this.#match(row, survivors);
      funnel.drop('unmatched', survivors.length - 2 * pairs.length);
      return { row, method, pairs };
    });
    const differences = await this.#opened.judge.compare(matched.flatMap(({ pairs }) => pairs));
    let judged = 0;
    return matched.flatMap(({ row, method, pairs }) => {
      const decided = this.#decide(pairs, differences.slice(judged, (judged += pairs.length)), funnel);
      const kept = funnel.keep(row.domain, decided);
      this.#longer.push(...kept.map(({ chosen, rejected }) => (1 + Math.sign(chosen.tokens - rejected.tokens)) / 2));
      this.#counts.kept += kept.length;
      const rows = kept.map((pair, rank) => {
        const samples = [pair.chosen.sample, pair.rejected.sample];
        return origins.seal(asRow(row, pair, rank), { row, method, samples });
      });
      if (!isHeldOut(row, this.#settings.heldOut)) return rows;
      this.#counts.held_out += rows.length;
      this.heldOut.push(...rows);
      return [];
    });
  }

  /** What the judge was asked, and what became of it. */
  metrics(): Metrics {
    return prefixed('pairs', {
      ...this.#counts,
      ...(this.#longer.length > 0 && { chosen_longer_frac: mean(this.#longer) }),
      ...metricsOfJudge(this.#opened.judge.takeFigures()),
    });
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  /** What is judged of these completions, each text once, in pairs of about the same length. */
  #match(row: Row, survivors: readonly SampleCandidate[]): JudgedPair[] {
    const { judge, lengthRatio } = this.#settings;
    const samples = new Map<string, number>();
    for (const { text, sample } of survivors) {
      const compared = judge.scope === 'summary' ? parseResponse(text).summary : text;
      if (compared.trim() !== '' && !samples.has(compared)) samples.set(compared, sample);
    }
    const judged = [...samples].map(([text, sample]): JudgedText => ({
      row,
      text,
      sample,
      tokens: this.#tokensOf(text),
    }));
    const pairs = matchLengths(
      judged.map(({ tokens }) => tokens),
      lengthRatio,
    );
    return pairs.map(([a, b]) => [judged[a] as JudgedText, judged[b] as JudgedText]);
  }

  /** The pairs of one prompt of which one is better, the clearest first. */
  #decide(pairs: readonly JudgedPair[], differences: readonly Score[], funnel: Funnel): DecidedPair[] {
    this.#counts.asked += pairs.length;
    const decided: DecidedPair[] = [];
    for (const [[a, b], difference] of zip(pairs, differences)) {
      if (typeof difference === 'object') {
        this.#counts.unjudged++;
        funnel.drop('unjudged', 2);
      } else if (Math.abs(difference) <= this.#settings.judge.margin) {
        this.#counts.draws++;
        funnel.drop('draw', 2);
      } else if (difference > 0) decided.push({ chosen: a, rejected: b, difference });
      else decided.push({ chosen: b, rejected: a, difference: -difference });
    }
    return decided.toSorted((a, b) => b.difference - a.difference);
  }
}

function asRow(row: Row, { chosen, rejected }: DecidedPair, rank: number): Row {
  const { completion: _completion, toolCalls: _toolCalls, ...prompt } = row;
  return { ...prompt, id: `${row.id}/${rank}`, chosen: chosen.text, rejected: rejected.text };
}
