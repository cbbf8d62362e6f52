import { cohensKappa, observedAgreement } from '../../algorithms/cohens-kappa.ts';
import { mean } from '../../algorithms/statistics.ts';
import type { JudgeFigures } from '../../rewards/judge/judge.ts';
import { metricsOfJudge } from '../policy/judges.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';

/** A completion that a judge has labelled. */
interface LabelledOnce {
  readonly label: boolean;
  /** On which side each vote lies that can be read. */
  readonly sides: readonly boolean[];
  /** The label that the row came with. */
  readonly own: boolean | undefined;
}

/** Counts what a judge labels, and how far it agrees with itself and with labels that there are. */
export class LabelFigures {
  readonly #counts = { unjudged: 0, uncertain: 0, labelled: 0, good: 0, kept: 0, held_out: 0 };
  /** Of each completion with several votes the share of pairs of them that lie on the same side. */
  readonly #agreements: number[] = [];
  /** The row's own label and the judge's. */
  readonly #both: (readonly [own: boolean, judged: boolean])[] = [];

  addUnjudged(): void {
    this.#counts.unjudged++;
  }

  addUncertain(): void {
    this.#counts.uncertain++;
  }

  add({ label, sides, own }: LabelledOnce): void {
    this.#counts.labelled++;
    this.#counts.good += Number(label);
    if (sides.length > 1) this.#agreements.push(pairAgreement(sides));
    if (own !== undefined) this.#both.push([own, label]);
  }

  keep(rows: readonly unknown[], isHeldOut: boolean): void {
    this.#counts.kept += rows.length;
    if (isHeldOut) this.#counts.held_out += rows.length;
  }

  metrics(judge: JudgeFigures): Metrics {
    const { unjudged, uncertain, labelled, good, kept, held_out } = this.#counts;
    const asked = labelled + uncertain + unjudged;
    return prefixed('labels', {
      asked,
      unjudged,
      uncertain,
      kept,
      held_out,
      labelled_frac: asked === 0 ? 0 : labelled / asked,
      ...(labelled > 0 && { good_frac: good / labelled }),
      ...(this.#agreements.length > 0 && { vote_agreement: mean(this.#agreements) }),
      ...this.#besideOwn(),
      ...metricsOfJudge(judge),
    });
  }

  #besideOwn(): Metrics {
    const both = this.#both;
    if (both.length === 0) return {};
    const count = (own: boolean, judged: boolean): number => both.filter(([a, b]) => a === own && b === judged).length;
    const kappa = cohensKappa(both);
    return {
      own_agreement: observedAgreement(both),
      ...(kappa !== undefined && { own_kappa: kappa }),
      own_good_as_good: count(true, true),
      own_good_as_bad: count(true, false),
      own_bad_as_good: count(false, true),
      own_bad_as_bad: count(false, false),
    };
  }
}

/** Share of the pairs of votes that are equal: Pᵢ of J. L. Fleiss, "Measuring nominal scale agreement among many raters", 1971. */
function pairAgreement(sides: readonly boolean[]): number {
  const n = sides.length;
  const good = sides.filter(Boolean).length;
  return (good * (good - 1) + (n - good) * (n - good - 1)) / (n * (n - 1));
}
