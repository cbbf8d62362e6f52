import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Candidate, createFunnel } from '../algorithms/funnel.ts';
import { randomKey, uniform } from '../algorithms/random.ts';
import { mean } from '../algorithms/statistics.ts';
import type { Message, Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import type { StageResult } from '../contract/progress.ts';
import type { SampleSettings } from '../contract/settings.ts';
import { fewShotMessages, reflectionMessages } from '../data/prompts.ts';
import { replaceFile } from '../checkpoint/replace-file.ts';
import { writeRows } from '../data/rows.ts';
import { canonicalForm } from '../rewards/canonical-form.ts';
import { examine } from '../rewards/examine.ts';
import { parseResponse } from '../rewards/parse-response.ts';
import { countReflections } from '../rewards/reflection.ts';
import { completeRows } from './completions.ts';
import { Policy } from './policy.ts';
import { RewardModels } from './reward-models.ts';
import type { Metrics } from './metrics.ts';
import type { Workspace } from './workspace.ts';

type Method = SampleSettings['methods'][number]['method'];

/** A prompt as it was put, and what came of it. Kept on disk chunk by chunk, so that a killed stage repeats at most one chunk. */
interface Sampled {
  readonly id: string;
  readonly method: Method;
  readonly messages: readonly Message[];
  readonly completions: readonly { readonly text: string; readonly tokens: number; readonly terminated: boolean }[];
}

/** Prompts sampled between two saves. */
const chunkPrompts = 64;

/** Rejection sampling: many completions a prompt, filtered by rules, ranked, the best kept as rows for SFT. */
export async function sample(settings: SampleSettings, workspace: Workspace): Promise<StageResult> {
  const finished = await workspace.finishedData();
  if (finished) {
    await workspace.rewindLogs(-1);
    await workspace.log(0, finished.metrics);
    return workspace.finish(finished, 'finished by an earlier attempt', finished.metrics);
  }
  const { policy } = await Policy.load(workspace);
  const models = new RewardModels(workspace);
  try {
    const sampler = new Sampler(settings, workspace, policy);
    const funnel = createFunnel(settings);
    const kept: Row[] = [];
    const all: Sampled[] = [];
    const rows = await sampler.rows();
    for (let start = 0; start < rows.length; start += chunkPrompts) {
      if (workspace.interrupted) workspace.interrupt(`${start} of ${rows.length} prompts`);
      const chunk = rows.slice(start, start + chunkPrompts).filter(({ domain }) => !funnel.full(domain));
      const sampled = await sampler.chunk(start / chunkPrompts, chunk);
      for (const [at, row] of chunk.entries()) {
        const { completions = [] } = sampled[at] ?? {};
        const candidates = completions.map(({ text, ...ended }) => examine(row, text, ended));
        const ranked = settings.rewardModel
          ? await withModelScores(models, settings.rewardModel, row, candidates)
          : candidates;
        kept.push(...funnel.select(row.domain, ranked).map(({ text }, rank) => asRow(row, text, rank)));
      }
      all.push(...sampled);
      workspace.progress.report('sample', Math.min(start + chunkPrompts, rows.length), rows.length);
    }
    if (kept.length === 0) {
      throw new UserError(
        `stage ${workspace.file.stage}: no completion of ${all.length} prompts passed the filters ${settings.keep.join(', ')}`,
      );
    }

    const counts = funnel.counts();
    const metrics = { sampled: counts.sampled, kept: counts.kept, ...methodMetrics(all) };
    const checkpoint = await workspace.publishData(async (directory) => {
      await writeRows(join(directory, 'rows.jsonl'), kept);
      await writeFile(join(directory, 'funnel.json'), `${JSON.stringify(counts, undefined, 2)}\n`);
    }, metrics);
    await workspace.log(0, metrics);
    return workspace.finish(checkpoint, `${counts.kept} of ${counts.sampled} completions kept`, metrics);
  } finally {
    await models.close();
    await policy.close();
  }
}

class Sampler {
  private readonly settings: SampleSettings;
  private readonly workspace: Workspace;
  private readonly policy: Policy;
  private readonly pools = new Map<string, readonly Row[]>();

  constructor(settings: SampleSettings, workspace: Workspace, policy: Policy) {
    this.settings = settings;
    this.workspace = workspace;
    this.policy = policy;
  }

  /** The prompts, dataset after dataset. */
  async rows(): Promise<Row[]> {
    const rows: Row[] = [];
    for (const name of this.settings.prompts) {
      const pool = await this.workspace.loadRows([name], 'train');
      for (const [dataset, rowsOfDataset] of Map.groupBy(pool, (row) => row.dataset)) {
        this.pools.set(dataset, rowsOfDataset);
      }
      rows.push(...pool.slice(0, this.settings.limit));
    }
    return rows;
  }

  /** Completions of a chunk's prompts, from disk if an earlier attempt has sampled them. */
  async chunk(index: number, rows: readonly Row[]): Promise<Sampled[]> {
    const directory = join(this.workspace.file.out, `chunks-${this.workspace.settingsDigest.slice(0, 12)}`);
    const path = join(directory, `${String(index).padStart(6, '0')}.json`);
    const saved = await readFile(path, 'utf8').catch(() => undefined);
    if (saved !== undefined) return JSON.parse(saved) as Sampled[]; // replaced as a whole, so never half

    const sampled = await this.sample(rows);
    await mkdir(directory, { recursive: true });
    await replaceFile(path, JSON.stringify(sampled));
    return sampled;
  }

  private async sample(rows: readonly Row[]): Promise<Sampled[]> {
    const { seed, stage } = this.workspace.file;
    const prompts = rows.map((row) => this.prompt(row));
    const asked = rows.map((row, at) => ({ ...row, messages: [...(prompts[at]?.messages ?? row.messages)] }));
    const completions = await completeRows(
      this.policy,
      asked,
      this.settings.perPrompt,
      this.settings.sampling,
      (row, at) => randomKey(seed, stage, 'sample', row.id, at),
    );
    return rows.map(({ id }, at) => ({
      id,
      ...(prompts[at] as { method: Method; messages: Message[] }),
      completions: (completions[at] ?? []).map(({ text, tokenIds, finish }) => ({
        text,
        tokens: tokenIds.length,
        terminated: finish === 'stop',
      })),
    }));
  }

  private prompt(row: Row): { method: Method; messages: readonly Message[] } {
    const { seed, stage } = this.workspace.file;
    const method = chooseMethod(this.settings.methods, uniform(randomKey(seed, stage, 'method', row.id), 0));
    switch (method) {
      case 'plain':
        return { method, messages: row.messages };
      case 'fewShot':
        return {
          method,
          messages: fewShotMessages(row, this.pools.get(row.dataset) ?? [], this.settings.examples, seed),
        };
      case 'reflection':
        return { method, messages: reflectionMessages(row) };
    }
  }
}

/** @param draw uniform in 0–1 */
function chooseMethod(methods: SampleSettings['methods'], draw: number): Method {
  const total = methods.reduce((sum, { share }) => sum + share, 0);
  let left = draw * total;
  for (const { method, share } of methods) {
    left -= share;
    if (left < 0) return method;
  }
  return methods.at(-1)?.method ?? 'plain';
}

async function withModelScores(
  models: RewardModels,
  stage: string,
  row: Row,
  candidates: readonly Candidate[],
): Promise<Candidate[]> {
  const scores = await models.score(
    stage,
    candidates.map(({ text }) => ({ row, text: parseResponse(text).summary })),
  );
  return candidates.map((candidate, at) => ({ ...candidate, rewardModel: scores[at] }));
}

/** A kept completion as a training row: its prompt is the plain one, however it was put when sampled. */
function asRow(row: Row, text: string, rank: number): Row {
  return { ...row, id: `${row.id}/${rank}`, completion: canonicalForm(text) };
}

/** How often completions verify or revise, by prompting method. */
function methodMetrics(sampled: readonly Sampled[]): Metrics {
  const methods = [...new Set(sampled.map(({ method }) => method))];
  return Object.fromEntries(
    methods.map((method) => {
      const texts = sampled.filter((one) => one.method === method).flatMap(({ completions }) => completions);
      return [`reflection_rate/${method}`, mean(texts.map(({ text }) => Number(countReflections(text) > 0)))];
    }),
  );
}
