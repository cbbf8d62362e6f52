import { join } from 'node:path';
import { randomKey } from '../../algorithms/random.ts';
import { zip } from '../../algorithms/zip.ts';
import { judgeVerdictsName } from '../../contract/files/checkpoint.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { JudgeSettings } from '../../contract/settings/judge.ts';
import { rewardNames } from '../../contract/settings/result-metrics.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { accessToken } from '../../rewards/services/access-token.ts';
import { askEndpoint } from '../../rewards/judge/endpoint.ts';
import {
  type Ask,
  Judge,
  type JudgedText,
  type JudgeFigures,
  type Question,
  type Reply,
} from '../../rewards/judge/judge.ts';
import { VerdictCache } from '../../rewards/judge/verdict-cache.ts';
import type { Score } from '../../rewards/score.ts';
import { completeRows } from './completions.ts';
import { encodePrompt } from './encoding.ts';
import type { InputModels } from './input-models.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';
import type { Policy } from './policy.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** The judges of a stage that learns from rewards: models of earlier stages, and servers. */
export class Judges {
  /** By settings, with the name of the reward. */
  readonly #judges = new Map<JudgeSettings, { readonly name: string; readonly judge: Judge }>();
  readonly #cache: VerdictCache | undefined;
  /** That of the guard, if it has one. */
  readonly ofGuard: Judge | undefined;

  private constructor(cache: VerdictCache | undefined, ofGuard: Judge | undefined) {
    [this.#cache, this.ofGuard] = [cache, ofGuard];
  }

  /** @throws UserError for a rubric that cannot be used */
  static async open(
    { rewards, guard }: Pick<GrpoSettings, 'rewards' | 'guard'>,
    workspace: Workspace,
    models: InputModels,
  ): Promise<Judges> {
    const asks = [...rewards, guard].some((part) => part?.judge?.endpoint);
    const cache = asks ? await openVerdicts(workspace) : undefined;
    const ofGuard = guard?.judge && new Judge(scoring(guard.judge), askOf(guard.judge, workspace, models, cache));
    const judges = new Judges(cache, ofGuard);
    for (const [{ judge }, name] of zip(rewards, rewardNames(rewards))) {
      if (judge) judges.#judges.set(judge, { name, judge: new Judge(judge, askOf(judge, workspace, models, cache)) });
    }
    return judges;
  }

  readonly score = async (settings: JudgeSettings, texts: readonly JudgedText[]): Promise<Score[]> => {
    const opened = this.#judges.get(settings);
    if (opened === undefined) throw new Error('a judge was not opened');
    return opened.judge.score(texts);
  };

  /** Of what was asked since the last call. */
  readonly takeMetrics = (): Metrics => {
    const metrics: Metrics = {};
    for (const { name, judge } of this.#judges.values()) {
      Object.assign(metrics, prefixed(`rewards/${name}`, metricsOfJudge(judge.takeFigures())));
    }
    return metrics;
  };

  async close(): Promise<void> {
    await this.#cache?.close();
  }
}

/** A judge that always scores each text by itself has no settings that say so. */
type ScoringSettings = Omit<JudgeSettings, 'by' | 'margin'>;

/** The judge of a stage that has one, and no rewards. */
export interface OpenedJudge {
  readonly judge: Judge;
  readonly close: () => Promise<void>;
}

/** @throws UserError for a rubric that cannot be used */
export async function openJudge(
  settings: JudgeSettings,
  workspace: Workspace,
  models: InputModels,
): Promise<OpenedJudge> {
  const cache = settings.endpoint && (await openVerdicts(workspace));
  return {
    judge: new Judge(settings, askOf(settings, workspace, models, cache)),
    close: async () => cache?.close(),
  };
}

/** As `openJudge`, of one that scores each text by itself. */
export function openScoringJudge(
  settings: ScoringSettings,
  workspace: Workspace,
  models: InputModels,
): Promise<OpenedJudge> {
  return openJudge(scoring(settings), workspace, models);
}

function scoring(settings: ScoringSettings): JudgeSettings {
  return { ...settings, by: 'score', margin: 0 };
}

/** What a judge was asked, under the last parts of the names of docs/reference/metrics.md. */
export function metricsOfJudge({ verdicts, unparsable, tokens }: JudgeFigures): Metrics {
  return { unparsable_frac: verdicts === 0 ? 0 : unparsable / verdicts, tokens };
}

function openVerdicts({ file, writer }: Workspace): Promise<VerdictCache> {
  return VerdictCache.open(join(file.out, judgeVerdictsName), () => writer.check());
}

function askOf(
  { from, endpoint, sampling }: Pick<JudgeSettings, 'from' | 'endpoint' | 'sampling'>,
  { stop, progress }: Workspace,
  models: InputModels,
  cache: VerdictCache | undefined,
): Ask {
  if (endpoint && cache) {
    const token = endpoint.token && accessToken('judge.endpoint', endpoint.token.variable);
    return askEndpoint(endpoint, sampling, { cache, token, signal: stop.signal, onActivity: progress.alive });
  }
  return async (questions) => askModel(await models.open(from ?? '', 'lm'), sampling, questions);
}

/** What it says depends on its weights and the question alone, so that nothing need be kept. */
async function askModel(
  policy: Policy,
  sampling: JudgeSettings['sampling'],
  questions: readonly Question[],
): Promise<Reply[]> {
  const asked = questions.map((question) => ({ question, row: rowOf(question) }));
  const lengths = asked.map(({ row }) => encodePrompt(policy, row).ids.length);
  const { maxLength } = policy.config;
  const fitting = asked.filter((_, at) => (lengths[at] as number) < maxLength);
  const completions = await completeRows(
    policy,
    fitting.map(({ row }) => row),
    1,
    { sampling },
    (_, sample, place) => {
      const { question } = fitting[place] as (typeof fitting)[number];
      return randomKey('judge', question.text, question.vote, sample);
    },
  );
  const replies = new Map(zip(fitting, completions).map(([{ question }, [completion]]) => [question, completion]));
  return asked.map(({ question }, at): Reply => {
    const completion = replies.get(question);
    const length = lengths[at] as number;
    if (completion) return { text: completion.text, tokens: length + completion.tokens };
    return { text: '', refused: `the question has ${length} tokens; its context holds ${maxLength}`, tokens: 0 };
  });
}

function rowOf({ text }: Question): Row {
  return { id: 'question', dataset: 'judge', domain: 'general', messages: [{ role: 'user', content: text }] };
}
