import { expectedVariance, type PassCount, passRate, remember, untried } from '../../algorithms/pass-rates.ts';
import { randomKey, shuffled } from '../../algorithms/random.ts';
import { mean } from '../../algorithms/statistics.ts';
import { weightedDraw } from '../../algorithms/weighted-draw.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { Prompts } from '../../data/order/prompt-order.ts';
import type { RowList } from '../../data/lists/row-list.ts';
import type { Scored } from './draw-groups.ts';
import type { Metrics } from '../workspace/metrics.ts';

/** What has been measured of the prompts that have come so far, by their places among the rows of the stage. */
export type KeptCurriculum = readonly (readonly [place: number, tries: number, passes: number])[];

/** Below the first a prompt is hard, above the second it is easy. */
const bands = { hard: 0.2, easy: 0.8 };

interface Options {
  readonly seed: number;
  /** How the prompts would come without a curriculum: it says how many are of which dataset. */
  readonly plain: Prompts;
  /** The shares of the datasets are to be those of `plain`. */
  readonly isMixture: boolean;
  readonly kept?: KeptCurriculum | undefined;
  /** What an earlier stage found, by `dataset/id`: it holds for a prompt until this stage has measured it. */
  readonly former?: ReadonlyMap<string, PassCount> | undefined;
}

/**
 * Chooses prompts by the pass rates that the stage has measured itself, or before that an earlier one: those that the policy answers right about half the time come more
 * often, for they teach most. A function of what was measured and of the place in the order, so that a resumed stage draws the same.
 */
export class Curriculum {
  private readonly rows: RowList;
  private readonly options: Options;
  private readonly counts: Map<number, PassCount>;
  private readonly former: ReadonlyMap<number, PassCount>;
  private readonly pools: ReadonlyMap<string, readonly number[]> | undefined;
  /** Places of the prompts of the rollout that is being made, by dataset and id: they come once in it. */
  private readonly drawn = new Map<string, number>();

  constructor(rows: RowList, options: Options) {
    this.rows = rows;
    this.options = options;
    this.counts = new Map(options.kept?.map(([place, tries, passes]) => [place, { tries, passes }]));
    this.former = byPlace(rows, options.former ?? new Map());
    this.pools = options.isMixture ? placesByDataset(rows) : undefined;
  }

  readonly prompts: Prompts = (start, count, order = 'prompt-order') => {
    const { plain, seed } = this.options;
    if (this.pools === undefined) return this.draw('', count, [seed, 'curriculum', order, start]);
    const datasets = plain(start, count, order).map(({ dataset }) => dataset);
    const chosen = new Map<string, Row[]>();
    for (const dataset of new Set(datasets)) {
      const asked = datasets.filter((each) => each === dataset).length;
      chosen.set(dataset, this.draw(dataset, asked, [seed, 'curriculum', order, start, dataset]));
    }
    return datasets.map((dataset) => chosen.get(dataset)?.pop() as Row);
  };

  /**
   * Takes in what a rollout has come to, once it is whole.
   *
   * @param groups completions by prompt, all that were drawn
   * @returns figures under the names of docs/reference/metrics.md
   */
  see(groups: readonly (readonly Scored[])[]): Metrics {
    const measured: number[] = [];
    let fresh = 0;
    for (const group of groups) {
      const place = group[0] && this.drawn.get(nameOf(group[0].row));
      const { tries, passes } = countOf(group);
      if (place === undefined || tries === 0) continue;
      const known = this.knownOf(place);
      if (known === undefined) fresh++;
      measured.push(passes / tries);
      this.counts.set(place, remember(known ?? untried, { tries, passes }));
    }
    this.drawn.clear();
    return {
      ...(measured.length > 0 && {
        'curriculum/pass_rate': mean(measured),
        'curriculum/new_frac': fresh / measured.length,
      }),
      ...this.bandShares(),
    };
  }

  /** For a checkpoint: all that later draws depend on. */
  get kept(): KeptCurriculum {
    return Array.from(this.counts, ([place, { tries, passes }]) => [place, tries, passes] as const);
  }

  private knownOf(place: number): PassCount | undefined {
    return this.counts.get(place) ?? this.former.get(place);
  }

  private draw(dataset: string, count: number, coordinates: readonly (string | number)[]): Row[] {
    const pool = this.pools?.get(dataset);
    const length = pool?.length ?? this.rows.length;
    const placeOf = (at: number): number => pool?.[at] ?? at;
    const taken = new Set(this.drawn.values());
    const chosen: number[] = [];
    // A dataset with fewer rows than are asked for comes again.
    for (let turn = 0; chosen.length < count; turn++) {
      const isFree = (at: number): boolean => turn > 0 || !taken.has(placeOf(at));
      const weightOf = (at: number): number =>
        isFree(at) ? expectedVariance(this.knownOf(placeOf(at)) ?? untried) : 0;
      const key = randomKey(...coordinates, turn);
      chosen.push(...weightedDraw(length, count - chosen.length, weightOf, key).map(placeOf));
    }
    // The weightiest come first, and the steps of a rollout shall be alike.
    return shuffled(chosen, randomKey(...coordinates, 'order')).map((place) => {
      const row = this.rows.at(place) as Row;
      this.drawn.set(nameOf(row), place);
      return row;
    });
  }

  /** Shares of all rows by what is known of them. */
  private bandShares(): Metrics {
    const rates = Array.from(new Map([...this.former, ...this.counts]).values(), passRate);
    const share = (isIn: (rate: number) => boolean): number => rates.filter(isIn).length / this.rows.length;
    return {
      'curriculum/hard_frac': share((rate) => rate < bands.hard),
      'curriculum/medium_frac': share((rate) => rate >= bands.hard && rate <= bands.easy),
      'curriculum/easy_frac': share((rate) => rate > bands.easy),
    };
  }
}

/** Of the completions that could be judged. */
function countOf(group: readonly Scored[]): PassCount {
  const judged = group.filter(({ verdict }) => verdict.outcome !== 'abstain');
  return { tries: judged.length, passes: judged.filter(({ verdict }) => verdict.outcome === 'correct').length };
}

function nameOf({ dataset, id }: Row): string {
  return `${dataset}/${id}`;
}

function placesByDataset(rows: RowList): Map<string, number[]> {
  const places = new Map<string, number[]>();
  let place = 0;
  for (const { dataset } of rows) {
    const ofDataset = places.get(dataset) ?? [];
    ofDataset.push(place++);
    places.set(dataset, ofDataset);
  }
  return places;
}

function byPlace(rows: RowList, counts: ReadonlyMap<string, PassCount>): Map<number, PassCount> {
  const known = new Map<number, PassCount>();
  if (counts.size === 0) return known; // rows of a file need not be read
  let place = 0;
  for (const row of rows) {
    const count = counts.get(nameOf(row));
    if (count) known.set(place, count);
    place++;
  }
  return known;
}
