import type { JudgeAll } from '../../rewards/modules/own-verifiers.ts';
import type { Score, Unscored } from '../../rewards/score.ts';
import { responseConsistency } from '../../rewards/responses/response-consistency.ts';
import { formatReward } from '../../rewards/responses/format.ts';
import { promptText } from '../../rewards/responses/prompt-text.ts';
import { parseResponse } from '../../rewards/responses/parse-response.ts';
import { judgeAllApart } from '../../rewards/apart/verify-apart.ts';
import { evaluationMetrics, type GradedSample } from '../../algorithms/evaluation.ts';
import { mean } from '../../algorithms/statistics.ts';
import { randomKey } from '../../algorithms/random.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { completeRows, inGroups, type SampledCompletion } from '../policy/completions.ts';
import type { Evaluation } from '../workspace/evaluation-records.ts';
import { type EvaluationData, type EvaluationRows, loadEvaluationData } from '../rows/evaluation-rows.ts';
import type { Policy } from '../policy/policy.ts';
import { type Metrics, prefixed } from '../workspace/metrics.ts';
import { type Sample, shownCompletion } from '../workspace/stage-log.ts';
import { toolMetrics } from '../rollout/turn-metrics.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Sample completions of each dataset that go to the report. */
const samplesPerDataset = 4;

interface Measured {
  readonly row: Row;
  readonly completions: readonly SampledCompletion[];
  /** What the verifier says of each completion; absent where it cannot judge. */
  readonly verdicts: readonly (GradedSample | undefined)[];
  /** Why it failed at some of them; abstaining is its right. */
  readonly failures: readonly Unscored[];
}

export interface WholeEvaluation extends Evaluation {
  /** Every completion. */
  readonly completions: readonly SampledCompletion[];
}

/**
 * Quality of a model: pass@1 over reasoning prompts (mean of k samples with its standard error), pass@k, cons@k, format
 * rate, language consistency, and pass@1 of every dataset. Only fully right answers count; completions that a verifier
 * cannot judge are left out, and those that it failed at are counted: `eval/unscored_frac`. A figure for which there are no prompts is left out, too.
 *
 * Figures of held-out rows are called `eval/…`, those of rows that models learn from `eval_train/…`.
 */
export async function evaluateRows(
  policy: Policy,
  parts: readonly EvaluationRows[],
  settings: EvaluationSettings,
  seed: number,
  judgeAll?: JudgeAll,
): Promise<WholeEvaluation> {
  const held = await evaluateAll(
    policy,
    parts.filter(({ trainedOn }) => !trainedOn),
    settings,
    seed,
    judgeAll,
  );
  const learned = await evaluateAll(
    policy,
    parts.filter(({ trainedOn }) => trainedOn),
    settings,
    seed,
    judgeAll,
  );
  const renamed = Object.entries(learned.metrics).map(([name, value]) => [
    name.replace(/^eval\//, 'eval_train/'),
    value,
  ]);
  return {
    metrics: { ...held.metrics, ...Object.fromEntries(renamed) },
    samples: [...held.samples, ...learned.samples],
    completions: [...held.completions, ...learned.completions],
  };
}

async function evaluateAll(
  policy: Policy,
  parts: readonly EvaluationRows[],
  settings: EvaluationSettings,
  seed: number,
  judgeAll?: JudgeAll,
): Promise<WholeEvaluation> {
  const metrics: Metrics = {};
  const samples: Sample[] = [];
  const all: Measured[] = [];
  for (const { dataset, rows } of parts) {
    const measured = await measure(policy, rows, settings, seed, judgeAll);
    const graded = measured.map(gradedOf).filter((each) => each.length > 0);
    if (graded.length > 0) metrics[`eval/${dataset}/pass@1`] = mean(graded.map(correctShare));
    Object.assign(metrics, unscored(measured, `eval/${dataset}`));
    sayFailure(dataset, measured);
    const written = measured.flatMap(({ completions }) => completions);
    if (written.length > 0) metrics[`eval/${dataset}/thought_rate`] = mean(written.map(thinks).map(Number));
    samples.push(...measured.slice(0, samplesPerDataset).flatMap((each) => toSamples(each).slice(0, 1)));
    for (const one of measured) all.push(one);
  }
  if (all.length === 0) return { metrics, samples, completions: [] };
  return {
    metrics: { ...metrics, ...(await summarise(all, settings)) },
    samples,
    completions: all.flatMap(({ completions }) => completions),
  };
}

/** Evaluates on the rows that the settings name; what was found in them belongs to the figures. */
export async function evaluatePolicy(
  policy: Policy,
  settings: EvaluationSettings,
  workspace: Workspace,
  data?: EvaluationData,
): Promise<WholeEvaluation> {
  const { parts, figures } = data ?? (await loadEvaluationData(policy, settings, workspace));
  const evaluation = await evaluateRows(policy, parts, settings, workspace.file.seed, workspace.verifiers.judgeWhole);
  return { ...evaluation, metrics: { ...evaluation.metrics, ...figures } };
}

/**
 * By dataset and id of the row: the share of its completions that are right, of those that a verifier could judge. A row without such a
 * completion is left out. The same samples are drawn each time, so that two models can be compared prompt by prompt.
 */
export async function correctShares(
  policy: Policy,
  { parts }: EvaluationData,
  settings: EvaluationSettings,
  workspace: Workspace,
): Promise<Record<string, number>> {
  const shares: Record<string, number> = {};
  for (const { dataset, rows } of parts) {
    const measured = await measure(policy, rows, settings, workspace.file.seed, workspace.verifiers.judgeWhole);
    for (const each of measured) {
      const graded = gradedOf(each);
      if (graded.length > 0) shares[`${dataset}/${each.row.id}`] = correctShare(graded);
    }
  }
  return shares;
}

/**
 * By dataset and id of the row: the mean score of its completions, the same samples each time. A row without any is left out.
 *
 * @param how.score scores of completions, in order
 */
export async function meanScores(
  policy: Policy,
  { parts }: EvaluationData,
  settings: EvaluationSettings,
  { seed, score }: { seed: number; score: (completions: readonly SampledCompletion[]) => Promise<readonly Score[]> },
): Promise<Record<string, number>> {
  const means: Record<string, number> = {};
  for (const { dataset, rows } of parts) {
    const completions = await sampleOf(policy, rows, settings, seed);
    const scores = inGroups(await score(completions.flat()), settings.samples);
    for (const [row, ofRow] of zip(rows, scores)) {
      const scored = ofRow.filter((each) => typeof each === 'number');
      if (scored.length > 0) means[`${dataset}/${row.id}`] = mean(scored);
    }
  }
  return means;
}

function sampleOf(
  policy: Policy,
  rows: readonly Row[],
  settings: EvaluationSettings,
  seed: number,
): Promise<SampledCompletion[][]> {
  return completeRows(policy, rows, settings.samples, settings, (row, sample) =>
    randomKey(seed, 'evaluate', row.id, sample),
  );
}

async function measure(
  policy: Policy,
  rows: readonly Row[],
  settings: EvaluationSettings,
  seed: number,
  judgeAll: JudgeAll = judgeAllApart,
): Promise<Measured[]> {
  const completions = await sampleOf(policy, rows, settings, seed);
  const items = zip(rows, completions).flatMap(([row, ofRow]) => ofRow.map(({ text }) => ({ row, text })));
  const judged = await judgeAll(items);
  let next = 0;
  return zip(rows, completions).map(([row, ofRow]) => {
    const judgements = judged.slice(next, (next += ofRow.length));
    const verdicts = judgements.map(({ verdict: { outcome }, value }) =>
      outcome === 'abstain' ? undefined : { correct: outcome === 'correct', vote: value },
    );
    const failures = judgements.flatMap(({ verdict: { unscored: why } }) =>
      why === undefined || why.because === 'abstain' ? [] : [why],
    );
    return { row, completions: ofRow, verdicts, failures };
  });
}

/** The completions that the verifier could judge. */
function gradedOf({ verdicts }: Measured): GradedSample[] {
  return verdicts.filter((each) => each !== undefined);
}

/** The share of completions that a verifier failed at, by time or error; nothing where it is 0. */
function unscored(measured: readonly Measured[], prefix: string): Metrics {
  const failed = measured.flatMap(({ failures }) => failures).length;
  const all = measured.flatMap(({ completions }) => completions).length;
  return failed === 0 ? {} : { [`${prefix}/unscored_frac`]: failed / all };
}

/** The figures say how many; what can be done about it is in the log. */
function sayFailure(dataset: string, measured: readonly Measured[]): void {
  const first = measured.find(({ failures }) => failures.length > 0);
  if (first === undefined) return;
  const [{ because, message } = { because: 'error', message: '' }] = first.failures;
  console.error(`evaluation of ${dataset}: no verdict, first on row ${first.row.id}: ${because}: ${message}`);
}

async function summarise(measured: readonly Measured[], { samples, tools }: EvaluationSettings): Promise<Metrics> {
  const lengths = measured.flatMap(({ completions }) => completions.map(({ tokens }) => tokens));
  const reasoning = measured.filter(({ row }) => row.domain === 'reasoning');
  const gradedPrompts = reasoning.map(gradedOf).filter((graded) => graded.length > 0);
  const texts = reasoning.flatMap(({ row, completions }) =>
    completions.map(({ text, opening }) => ({ row, text, opening })),
  );
  const consistencies: number[] = [];
  for (const { row, text, opening } of texts) consistencies.push(await responseConsistency(row, text, opening));
  return {
    ...(gradedPrompts.length > 0 && evaluationMetrics(gradedPrompts, samples)),
    ...unscored(reasoning, 'eval'),
    ...(texts.length > 0 && {
      'eval/format_rate': mean(texts.map(({ row, text, opening }) => formatReward(row, text, opening))),
      'eval/language_consistency': mean(consistencies),
      'eval/worded_rate': mean(texts.map(({ text, opening }) => Number(isWorded(text, opening)))),
    }),
    'eval/mean_length': mean(lengths),
    ...(tools && prefixed('eval', toolMetrics(measured.flatMap(({ completions }) => completions)))),
  };
}

/** It has a chain of thought that is not empty. */
function thinks({ text, opening }: Pick<SampledCompletion, 'text' | 'opening'>): boolean {
  return (parseResponse(text, opening).think ?? '').trim() !== '';
}

function isWorded(text: string, opening: string): boolean {
  return /\p{L}/u.test(parseResponse(text, opening).languageText);
}

function correctShare(graded: readonly GradedSample[]): number {
  return mean(graded.map(({ correct }) => Number(correct)));
}

function toSamples({ row, completions, verdicts }: Measured): Sample[] {
  return zip(completions, verdicts).map(([completion, verdict]) => ({
    from: 'evaluation',
    dataset: row.dataset,
    prompt: promptText(row),
    ...shownCompletion(completion),
    ...(verdict && { scores: { accuracy: Number(verdict.correct) } }),
    ...(row.answer && { gold: row.answer.gold }),
  }));
}
