import { zip } from '../../algorithms/zip.ts';
import { type DatasetSettings, ownKind, type Row } from '../../contract/settings/dataset.ts';
import { promptText } from '../responses/prompt-text.ts';
import type { Judgement } from '../verify.ts';
import { judgeAllApart } from '../apart/verify-apart.ts';
import { abstain, type Verdict } from '../verifiers/verifier.ts';
import type { Sample } from './protocol.ts';
import type { Score, Unscored } from '../score.ts';
import { HttpReward, type Needs } from './http-reward.ts';
import { RewardModule } from './reward-module.ts';
import type { OwnReward } from './reward-modules.ts';

/** A completion and the row that it is held against. */
export interface Answered {
  readonly row: Row;
  readonly text: string;
}

/** Verdicts of completions, in order. */
export type Verify = (items: readonly Answered[]) => Promise<readonly Verdict[]>;
/** Those with what was read of each completion. */
export type JudgeAll = (items: readonly Answered[]) => Promise<readonly Judgement[]>;

interface Options {
  /** Ends what is being compared. */
  readonly signal?: AbortSignal;
}

/** The verifiers of a stage's datasets: ours, and for a dataset with one of one's own a file, each in a process of its own, or a service. */
export class OwnVerifiers {
  readonly #datasets: readonly DatasetSettings[];
  readonly #options: Options;
  readonly #opened = new Map<string, Promise<OwnReward | undefined>>();

  constructor(datasets: readonly DatasetSettings[], options: Options = {}) {
    this.#datasets = datasets.filter(({ answer }) => answer?.verifier !== undefined);
    this.#options = options;
  }

  /**
   * Loads all files and asks all services, so that what is wrong with one is known before anything is sampled.
   *
   * @throws UserError if one cannot be used
   * @throws UnavailableError if a service does not answer
   */
  async open(): Promise<void> {
    await Promise.all(this.#datasets.map(({ name }) => this.#of(name)));
  }

  /** For rollouts, which go on without what a service gave no verdict on. */
  readonly verify: Verify = async (items) => verdictsOf(await this.#judge(items, 'some'));

  /** For rows that are kept. @throws UnavailableError for a service that was not there for some of them */
  readonly verifyWhole: Verify = async (items) => verdictsOf(await this.#judge(items, 'all'));

  /** For figures that are compared. @throws UnavailableError for a service that was not there for some of it */
  readonly judgeWhole: JudgeAll = (items) => this.#judge(items, 'all');

  async #judge(items: readonly Answered[], needs: Needs): Promise<Judgement[]> {
    const judged = await judgeAllApart(items);
    const own = [...items.entries()].filter(([, { row }]) => isOwn(row));
    for (const [dataset, asked] of Map.groupBy(own, ([, { row }]) => row.dataset)) {
      const samples = asked.map(([, item]) => sampleOf(item));
      // oxlint-disable-next-line no-await-in-loop -- one verifier after the other
      for (const [[place], score] of zip(asked, await this.#scores(dataset, samples, needs)))
        judged[place] = { ...judged[place], verdict: verdictOf(score) };
    }
    return judged;
  }

  close(): void {
    for (const opened of this.#opened.values()) void opened.then((module) => module?.close()).catch(() => undefined);
  }

  async #scores(dataset: string, samples: readonly Sample[], needs: Needs): Promise<readonly Score[]> {
    return (await this.#of(dataset))?.score(samples, needs) ?? samples.map(() => unknown(dataset));
  }

  /** Nothing for a dataset that the stage does not name, such as that of rows which an earlier one has sampled. */
  #of(name: string): Promise<OwnReward | undefined> {
    const opened = this.#opened.get(name) ?? this.#start(name);
    this.#opened.set(name, opened);
    return opened;
  }

  async #start(name: string): Promise<OwnReward | undefined> {
    const { module, python, http } = this.#datasets.find((dataset) => dataset.name === name)?.answer?.verifier ?? {};
    const { signal } = this.#options;
    if (module !== undefined) return RewardModule.open(module, signal);
    if (http !== undefined) return HttpReward.open(http, this.#options);
    return python && RewardModule.openPython(python, signal);
  }
}

function verdictsOf(judged: readonly Judgement[]): Verdict[] {
  return judged.map(({ verdict }) => verdict);
}

function isOwn({ answer }: Row): boolean {
  return answer?.kind === ownKind;
}

function sampleOf({ row, text }: Answered): Sample {
  const gold = row.answer?.gold ?? '';
  return { completion: text, prompt: promptText(row), ...(gold !== '' && { answer: gold }), row };
}

/** 1 is correct, 0 and less wrong, what is between them partial; a verifier has no greater score. */
export function verdictOf(score: Score): Verdict {
  if (typeof score === 'object') return { ...abstain, unscored: score };
  if (score > 1) return { ...abstain, unscored: { because: 'error', message: `it gave ${score}; expected at most 1` } };
  if (score === 1) return { outcome: 'correct', score };
  return score > 0 ? { outcome: 'partial', score } : { outcome: 'wrong', score: 0 };
}

function unknown(dataset: string): Unscored {
  return { because: 'error', message: `dataset ${dataset}, whose own verifier compares, is none of this stage` };
}
