import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { JudgeSettings } from '../../contract/settings/judge.ts';
import type { Score, Unscored } from '../score.ts';
import { compileRubric, type Rubric, valuesOf } from './rubric.ts';
import { readComparison, readScore } from './verdict.ts';

/** Something that a judge is asked once; another vote is another question. */
export interface Question {
  readonly text: string;
  /** From 0; votes of the same text are sampled apart. */
  readonly vote: number;
}

export interface Reply {
  readonly text: string;
  /** Why the judge did not answer this question, such as a text that is too long for it. */
  readonly refused?: string | undefined;
  /** Of question and answer. */
  readonly tokens: number;
}

/** Asks a judge; replies in the order of the questions. */
export type Ask = (questions: readonly Question[]) => Promise<readonly Reply[]>;

export interface JudgedText {
  readonly row: Row;
  readonly text: string;
}

/** Those on one text, at least one; or why there is none. */
export type Votes = readonly number[] | Unscored;

/** What was asked since it was last looked at. */
export interface JudgeFigures {
  readonly verdicts: number;
  /** Verdicts without the numbers that were asked for. They are counted, and never scored. */
  readonly unparsable: number;
  readonly tokens: number;
}

/** Two texts of one row. */
export type TextPair = readonly [JudgedText, JudgedText];

const none: JudgeFigures = { verdicts: 0, unparsable: 0, tokens: 0 };

/** Scores texts by the verdicts of a model. */
export class Judge {
  readonly #settings: JudgeSettings;
  readonly #rubric: Rubric;
  readonly #ask: Ask;
  #figures = none;
  /** It has taken a question: the next one that it refuses may be at fault itself, such as one that is too long. */
  #answered = false;

  /** @throws UserError for a rubric that cannot be used */
  constructor(settings: JudgeSettings, ask: Ask) {
    [this.#settings, this.#ask] = [settings, ask];
    this.#rubric = compileRubric(settings);
  }

  /** What was asked since the last call. */
  takeFigures(): JudgeFigures {
    const figures = this.#figures;
    this.#figures = none;
    return figures;
  }

  /** From 0 to 1; texts of one row are siblings. */
  async score(texts: readonly JudgedText[]): Promise<Score[]> {
    return this.#settings.by === 'score' ? this.#scoreEach(texts) : this.#compareSiblings(texts);
  }

  /** The votes on each text that can be read, from 0 to the scale. */
  async votes(texts: readonly JudgedText[]): Promise<Votes[]> {
    const { scale } = this.#settings;
    const questions = texts.map(({ row, text }) => this.#rubric({ ...valuesOf(row, scale), response: text }));
    const verdicts = await this.#verdicts(questions, (text) => readScore(text, scale));
    return verdicts.map(({ read, why }) => (read.length === 0 ? why : read));
  }

  async #scoreEach(texts: readonly JudgedText[]): Promise<Score[]> {
    const votes = await this.votes(texts);
    return votes.map((each) => ('because' in each ? each : mean(each) / this.#settings.scale));
  }

  /**
   * How much better the first text of each pair is than the second, from −scale to scale: the mean over all votes in both orders. What has
   * no verdict in one of them is not compared.
   */
  async compare(pairs: readonly TextPair[]): Promise<Score[]> {
    const { scale } = this.#settings;
    const questions = pairs.flatMap(([a, b]) =>
      [[a, b] as const, [b, a] as const].map(([first, second]) =>
        this.#rubric({ ...valuesOf(first.row, scale), response_a: first.text, response_b: second.text }),
      ),
    );
    const verdicts = await this.#verdicts(questions, (text) => readComparison(text, scale));
    return pairs.map((_, at) => {
      const [forward, backward] = [verdicts[2 * at] as Verdicts<Compared>, verdicts[2 * at + 1] as Verdicts<Compared>];
      if (forward.read.length === 0) return forward.why;
      if (backward.read.length === 0) return backward.why;
      // What a judge gives to a place and not to a text is in both, and cancels out.
      return (mean(forward.read.map(({ a, b }) => a - b)) + mean(backward.read.map(({ a, b }) => b - a))) / 2;
    });
  }

  /** Each with the next one of its row, and the last with the first. */
  async #compareSiblings(texts: readonly JudgedText[]): Promise<Score[]> {
    const pairs = [...Map.groupBy(texts.keys(), (at) => texts[at]?.row).values()].flatMap(ring);
    const differing = pairs.filter(([a, b]) => texts[a]?.text !== texts[b]?.text);
    const differences = await this.compare(
      differing.map(([a, b]): TextPair => [texts[a] as JudgedText, texts[b] as JudgedText]),
    );
    const outcomes = texts.map((): number[] => []);
    const whys = texts.map((): Unscored => ({ because: 'abstain', message: 'there is nothing to compare it with' }));
    const decide = ([a, b]: Pair, ofA: number): void => {
      outcomes[a]?.push(ofA);
      outcomes[b]?.push(1 - ofA);
    };
    for (const pair of pairs.filter((each) => !differing.includes(each))) decide(pair, 0.5);
    for (const [pair, difference] of zip(differing, differences)) {
      if (typeof difference === 'object') for (const of of pair) whys[of] = difference;
      else decide(pair, Math.abs(difference) <= this.#settings.margin ? 0.5 : Number(difference > 0));
    }
    return outcomes.map((ofText, at) => (ofText.length === 0 ? (whys[at] as Unscored) : mean(ofText)));
  }

  /** All votes of each question, as far as they can be read. */
  async #verdicts<T>(texts: readonly string[], read: (text: string) => T | undefined): Promise<Verdicts<T>[]> {
    const { votes } = this.#settings;
    const questions = texts.flatMap((text) => Array.from({ length: votes }, (_, vote) => ({ text, vote })));
    const replies = await this.#ask(questions);
    const refused = replies.filter((reply) => reply.refused !== undefined);
    this.#answered ||= refused.length < replies.length;
    if (refused.length > 0 && !this.#answered) {
      throw new UserError(`judge: all ${refused.length} questions were refused, such as: ${refused[0]?.refused}`);
    }
    const all = texts.map((_, at): Verdicts<T> => {
      const own = replies.slice(at * votes, (at + 1) * votes);
      const found = own.filter((reply) => reply.refused === undefined).map(({ text }) => read(text));
      return {
        read: found.filter((each) => each !== undefined),
        unread: found.filter((each) => each === undefined).length,
        why: whyNone(own),
      };
    });
    this.#count(replies, all);
    return all;
  }

  #count(replies: readonly Reply[], all: readonly Verdicts<unknown>[]): void {
    const { verdicts, unparsable, tokens } = this.#figures;
    this.#figures = {
      verdicts: verdicts + replies.length,
      unparsable: all.reduce((sum, { unread }) => sum + unread, unparsable),
      tokens: replies.reduce((sum, reply) => sum + reply.tokens, tokens),
    };
  }
}

type Pair = readonly [a: number, b: number];
type Compared = NonNullable<ReturnType<typeof readComparison>>;

interface Verdicts<T> {
  readonly read: readonly T[];
  readonly unread: number;
  /** Why there is none, if there is none. */
  readonly why: Unscored;
}

function ring(members: readonly number[]): Pair[] {
  if (members.length < 2) return [];
  if (members.length === 2) return [[members[0] as number, members[1] as number]];
  return members.map((member, at) => [member, members[(at + 1) % members.length] as number]);
}

function whyNone(replies: readonly Reply[]): Unscored {
  const answered = replies.find(({ refused }) => refused === undefined);
  if (answered === undefined) return { because: 'error', message: `the judge refused: ${replies[0]?.refused}` };
  const end = JSON.stringify(answered.text.slice(-100));
  return { because: 'abstain', message: `no verdict was found at the end of what the judge wrote: ${end}` };
}
