import { resolve } from 'node:path';
import { randomKey } from '../algorithms/random.ts';
import { chat } from '../contract/settings/chat.ts';
import { dataset, type Row } from '../contract/settings/dataset.ts';
import { evaluation } from '../contract/settings/training.ts';
import { checkRows, describeFindings } from '../data/check-rows.ts';
import { columnHint, inJsonl, inParquet } from '../data/columns/column-hint.ts';
import { isParquet } from '../data/files/data-lines.ts';
import { loadDataset } from '../data/load-dataset.ts';
import { sampleRows } from '../data/order/sample-rows.ts';
import { settleDevice } from '../runtime/choose-device.ts';
import { completeRows } from './policy/completions.ts';
import { describeCompletions } from './policy/describe-completions.ts';
import { evaluateRows, type WholeEvaluation } from './evaluation/evaluation.ts';
import { Policy } from './policy/policy.ts';
import { printable } from './policy/printable.ts';
import { readStageFile } from './workspace/read-stage-file.ts';
import { repeatEvaluation } from './repeat-evaluation.ts';
import { judgePrompt } from './rows/row-verdicts.ts';

interface GenerateOptions {
  readonly prompt: string;
  readonly system?: string;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxNewTokens: number;
  readonly seed: number;
  readonly samples: number;
  /** Chat settings, as JSON. */
  readonly chat?: string;
}

/** Prints completions of one prompt. */
export async function generateFromCheckpoint(checkpoint: string, options: GenerateOptions): Promise<void> {
  const { prompt, system, seed, samples, chat: chatJson = '{}', ...sampling } = options;
  const policy = await Policy.open(resolve(checkpoint), { chat: chat.parse(JSON.parse(chatJson)) });
  try {
    const messages: Row['messages'] = [
      ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
      { role: 'user', content: prompt },
    ];
    const row: Row = { id: 'prompt', dataset: 'prompt', domain: 'general', messages };
    const [completions = []] = await completeRows(policy, [row], samples, { sampling }, (_, sample) =>
      randomKey(seed, 'generate', prompt, sample),
    );
    for (const [at, { text }] of completions.entries()) {
      if (samples > 1) console.log(`--- ${at + 1} of ${samples} ---`);
      console.log(printable(text));
    }
  } finally {
    await policy.close();
  }
}

interface EvaluateOptions {
  readonly data: string;
  readonly kind: string;
  readonly in: string;
  readonly samples: number;
  readonly limit: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxNewTokens: number;
  readonly maxPromptTokens: number;
  readonly overlong: string;
  readonly seed: number;
  readonly system?: string;
  /** Chat settings, as JSON. */
  readonly chat?: string;
  /** Completions to show. */
  readonly show: number;
}

/** Prints the metrics of a checkpoint on a data file, as JSON. */
export async function evaluateCheckpoint(checkpoint: string, options: EvaluateOptions): Promise<void> {
  const { data, kind, in: place, seed, system, chat: chatJson = '{}', show, ...measured } = options;
  const { samples, limit, maxPromptTokens, overlong, ...sampling } = measured;
  const how = evaluation.parse({ data: ['data'], samples, limit, maxPromptTokens, overlong, sampling });
  const answer = { kind, in: place };
  const settings = dataset.parse({ name: 'data', file: resolve(data), answer, system });
  const remedy = (await isParquet(data)) ? inParquet : inJsonl;
  const { train } = await loadDataset(settings, seed, {
    advise: (fields, lacking) => columnHint(fields, lacking, ['answer'], remedy),
  });
  const policy = await Policy.open(resolve(checkpoint), { chat: chat.parse(JSON.parse(chatJson)) });
  try {
    const { rows, findings } = await checkRows(
      sampleRows(train, limit, seed, 'data'),
      (row) => judgePrompt(policy, row, how),
      { what: data },
    );
    if (findings.dropped.length > 0) console.error(`${data}: ${describeFindings(findings)}`);
    await printEvaluation(
      await evaluateRows(policy, [{ dataset: 'data', rows: Array.from(rows), trainedOn: false }], how, seed),
      show,
    );
  } finally {
    await policy.close();
  }
}

/** Prints the metrics of a stage's model, measured as the stage was told to, as JSON. */
export async function evaluateStageAgain({ stage, show }: { stage: string; show: number }): Promise<void> {
  const file = await readStageFile(stage);
  settleDevice(file.device);
  await printEvaluation(await repeatEvaluation(file), show);
}

async function printEvaluation({ metrics, completions }: WholeEvaluation, show: number): Promise<void> {
  process.stdout.write(await describeCompletions(completions, show));
  console.log(JSON.stringify(metrics, undefined, 2));
}
