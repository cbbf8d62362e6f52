import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { EvaluationSettings } from '../../contract/settings/training.ts';
import { sampleRows } from '../../data/order/sample-rows.ts';
import { goldProblem } from '../../rewards/verify.ts';
import { usableRows } from './checked-rows.ts';
import { Gradable } from './gradable.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import { judgePrompt } from './row-verdicts.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** Rows of one dataset that a model is measured on. */
export interface EvaluationRows {
  readonly dataset: string;
  readonly rows: readonly Row[];
  /** Models learn from these very rows: their figures say nothing of others. */
  readonly trainedOn: boolean;
}

/** Rows to evaluate on, by dataset, and what was found in them. */
export interface EvaluationData {
  readonly parts: readonly EvaluationRows[];
  readonly figures: Metrics;
}

/** Where the manifest names rows, for messages; and the part of a stage's data that they are, for figures. */
interface RowsNamed {
  readonly at: 'evaluation' | 'grpo.guard';
  readonly part: 'evaluation' | 'guard';
  /** Answers are verified. */
  readonly graded: boolean;
}

/**
 * The rows that an evaluation asks about, those that the model can be asked, and how it verifies their answers.
 *
 * @throws UserError if a row has a fault, a dataset has none that can be used or graded, or a gold answer cannot be read as
 *   the evaluation reads it
 */
export async function loadEvaluationData(
  policy: Policy,
  settings: EvaluationSettings,
  workspace: Workspace,
  named: RowsNamed = { at: 'evaluation', part: 'evaluation', graded: true },
): Promise<EvaluationData> {
  const { file, inputs } = workspace;
  const parts: EvaluationRows[] = [];
  let figures: Metrics = {};
  for (const dataset of settings.data) {
    const rows = sampleRows(await inputs.rows([dataset], 'evaluation'), settings.limit, file.seed, dataset);
    const what = `${named.at}.data ${dataset}`;
    const gradable = new Gradable();
    // Documents that a generator makes have a format rate all the same, and are known to have no answers.
    const isFile = file.datasets.some(({ name, file: path }) => name === dataset && path !== undefined);
    const require = isFile && named.graded ? () => gradable.require(file.datasets, what) : undefined;
    const usable = await usableRows(workspace, rows, { part: `${named.part}/${dataset}`, what, require }, (row) => {
      gradable.see(row);
      return judgePrompt(policy, row, settings);
    });
    const trainedOn = file.trainedOn?.includes(dataset) ?? false;
    parts.push({ dataset, trainedOn, rows: Array.from(usable.rows, (row) => verifiedAs(row, settings, named)) });
    figures = { ...figures, ...usable.figures };
  }
  return { parts, figures };
}

/** The row with the verifier of the evaluation, where it has one of its own. */
function verifiedAs(row: Row, { answers }: EvaluationSettings, { at }: RowsNamed): Row {
  const other = answers?.find(({ dataset }) => dataset === row.dataset);
  if (other === undefined || row.answer === undefined) return row;
  const answer = { ...row.answer, kind: other.kind ?? row.answer.kind, in: other.in ?? row.answer.in };
  const problem = goldProblem(answer);
  if (problem !== undefined) throw new UserError(`${at}.answers: row ${row.id}: ${problem}`);
  return { ...row, answer };
}
