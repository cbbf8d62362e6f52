import { languageConsistency } from '../rewards/language-consistency.ts';
import { formatReward } from '../rewards/format.ts';
import { promptText } from '../rewards/prompt-text.ts';
import { parseResponse } from '../rewards/parse-response.ts';
import { canonicalAnswer, verify } from '../rewards/verify.ts';
import { evaluationMetrics, type GradedSample } from '../algorithms/evaluation.ts';
import { mean } from '../algorithms/statistics.ts';
import { randomKey } from '../algorithms/random.ts';
import { zip } from '../algorithms/zip.ts';
import type { Row } from '../contract/dataset.ts';
import type { EvaluationSettings } from '../contract/training.ts';
import { firstRows } from '../data/row-list.ts';
import { usableRows } from './checked-rows.ts';
import { completeRows, type SampledCompletion } from './completions.ts';
import type { Policy } from './policy.ts';
import type { Metrics } from './metrics.ts';
import { judgePrompt } from './row-verdicts.ts';
import { type Sample, shownCompletion } from './stage-log.ts';
import type { Workspace } from './workspace.ts';

/** Sample completions of each dataset that go to the report. */
const samplesPerDataset = 4;

interface Measured {
  readonly row: Row;
  readonly completions: readonly SampledCompletion[];
  /** The completions that the verifier could judge. */
  readonly graded: readonly GradedSample[];
}

export interface Evaluation {
  readonly metrics: Metrics;
  readonly samples: readonly Sample[];
}

/**
 * Held-out quality of a model: pass@1 over reasoning prompts (mean of k samples with its standard error), pass@k, cons@k, format
 * rate, language consistency, and pass@1 of every dataset. Only fully right answers count; completions that a verifier
 * cannot judge are left out. A figure for which there are no prompts is left out, too.
 */
export async function evaluateRows(
  policy: Policy,
  rowsOf: ReadonlyMap<string, readonly Row[]>,
  settings: EvaluationSettings,
  seed: number,
): Promise<Evaluation> {
  const metrics: Metrics = {};
  const samples: Sample[] = [];
  const all: Measured[] = [];
  for (const [name, rows] of rowsOf) {
    const measured = await measure(policy, rows, settings, seed);
    const graded = measured.filter((one) => one.graded.length > 0);
    if (graded.length > 0) metrics[`eval/${name}/pass@1`] = mean(graded.map((one) => correctShare(one.graded)));
    samples.push(...measured.slice(0, samplesPerDataset).map(toSample));
    for (const one of measured) all.push(one);
  }
  return { metrics: { ...metrics, ...(await summarise(all)) }, samples };
}

/** Rows to evaluate on, by dataset, and what was found in them. */
export interface EvaluationData {
  readonly rowsOf: ReadonlyMap<string, readonly Row[]>;
  readonly figures: Metrics;
}

/**
 * The rows that the settings name: those that the model can be asked.
 *
 * @throws UserError if a row has a fault, or a dataset has none that can be used
 */
export async function loadEvaluationData(
  policy: Policy,
  settings: EvaluationSettings,
  workspace: Workspace,
): Promise<EvaluationData> {
  const rowsOf = new Map<string, readonly Row[]>();
  let figures: Metrics = {};
  for (const name of settings.data) {
    const rows = firstRows(await workspace.inputs.rows([name], 'evaluation'), settings.limit);
    const part = { part: `evaluation/${name}`, what: `evaluation.data ${name}` };
    const usable = await usableRows(workspace, rows, part, (row) => judgePrompt(policy, row, settings));
    rowsOf.set(name, [...usable.rows]);
    figures = { ...figures, ...usable.figures };
  }
  return { rowsOf, figures };
}

async function measure(
  policy: Policy,
  rows: readonly Row[],
  settings: EvaluationSettings,
  seed: number,
): Promise<Measured[]> {
  const completions = await completeRows(policy, rows, settings.samples, settings.sampling, (row, sample) =>
    randomKey(seed, 'evaluate', row.id, sample),
  );
  return zip(rows, completions).map(([row, ofRow]) => {
    const graded = ofRow.flatMap(({ text }) => {
      const { outcome } = verify(row, text);
      return outcome === 'abstain' ? [] : [{ correct: outcome === 'correct', vote: canonicalAnswer(row, text) }];
    });
    return { row, completions: ofRow, graded };
  });
}

async function summarise(measured: readonly Measured[]): Promise<Metrics> {
  const lengths = measured.flatMap(({ completions }) => completions.map(({ tokens }) => tokens));
  const reasoning = measured.filter(({ row }) => row.domain === 'reasoning');
  const gradedPrompts = reasoning.map(({ graded }) => graded).filter((graded) => graded.length > 0);
  const texts = reasoning.flatMap(({ row, completions }) =>
    completions.map(({ text, opening }) => ({ row, text, opening })),
  );
  const consistencies: number[] = [];
  for (const { row, text, opening } of texts) {
    const { languageText } = parseResponse(text, opening);
    consistencies.push(await languageConsistency(languageText, row.language, promptText(row)));
  }
  return {
    ...(gradedPrompts.length > 0 && evaluationMetrics(gradedPrompts)),
    ...(texts.length > 0 && {
      'eval/format_rate': mean(texts.map(({ row, text, opening }) => formatReward(row, text, opening))),
      'eval/language_consistency': mean(consistencies),
      'eval/worded_rate': mean(texts.map(({ text }) => Number(/\p{L}/u.test(parseResponse(text).languageText)))),
    }),
    'eval/mean_length': mean(lengths),
  };
}

function correctShare(graded: readonly GradedSample[]): number {
  return mean(graded.map(({ correct }) => Number(correct)));
}

function toSample({ row, completions, graded }: Measured): Sample {
  return {
    dataset: row.dataset,
    prompt: row.messages.map(({ content }) => content).join('\n'),
    ...shownCompletion(completions[0]),
    ...(graded[0] && { scores: { accuracy: Number(graded[0].correct) } }),
    ...(row.answer && { gold: row.answer.gold }),
  };
}
