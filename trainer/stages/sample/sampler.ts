import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomKey, uniform } from '../../algorithms/random.ts';
import { zip } from '../../algorithms/zip.ts';
import { replaceFile } from '../../checkpoint/replace-file.ts';
import { chunksDirectory } from '../../checkpoint/take-over.ts';
import type { Message, Row, Tool } from '../../contract/settings/dataset.ts';
import { makeWithin } from '../../contract/files/make-directory.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import { EvaluationGrams } from '../../data/origins/evaluation-grams.ts';
import { needsThought } from '../../data/origins/needs-thought.ts';
import { fewShotMessages, reflectionMessages } from '../../data/prompts.ts';
import { firstRows, joinRows, type RowList } from '../../data/lists/row-list.ts';
import type { Response } from '../../rewards/examine.ts';
import { type Usable, usableRows } from '../rows/checked-rows.ts';
import { completeRows, type SampledCompletion } from '../policy/completions.ts';
import type { Policy } from '../policy/policy.ts';
import { Gradable } from '../rows/gradable.ts';
import { withTools } from '../policy/replies.ts';
import { judgePrompt } from '../rows/row-verdicts.ts';
import type { Workspace } from '../workspace/workspace.ts';

/** How a prompt was put: `given` not at all, as its row has a completion, and `thought` for the sake of the thought alone. */
export type Method = SampleSettings['methods'][number]['method'] | 'given' | 'thought';

/** A response; of several turns the last. */
export interface SampledResponse extends Response {
  readonly before?: EarlierTurns;
}

/** What was said after the prompt before the last turn, and the tools that the prompt told of. */
export type EarlierTurns = Pick<Row, 'messages' | 'tools'>;

/** A prompt as it was put, and what came of it. Kept on disk chunk by chunk, so that a killed stage repeats at most one chunk. */
export interface Sampled {
  readonly id: string;
  readonly method: Method;
  readonly messages: readonly Message[];
  readonly completions: readonly SampledResponse[];
}

/** Samples prompts chunk by chunk, and keeps what it sampled. */
export class Sampler {
  private readonly settings: SampleSettings;
  private readonly workspace: Workspace;
  private readonly policy: Policy;
  private readonly pools = new Map<string, RowList>();
  /** What the stage is decontaminated of, if anything. */
  readonly grams: EvaluationGrams | undefined;

  private constructor(settings: SampleSettings, workspace: Workspace, policy: Policy, grams?: EvaluationGrams) {
    this.settings = settings;
    this.workspace = workspace;
    this.policy = policy;
    this.grams = grams;
  }

  static async open(settings: SampleSettings, workspace: Workspace, policy: Policy): Promise<Sampler> {
    const { decontaminate } = settings;
    const grams = decontaminate && new EvaluationGrams();
    for (const name of decontaminate ?? []) {
      const dataset = workspace.file.datasets.find((each) => each.name === name);
      // oxlint-disable-next-line no-await-in-loop -- one data set after the other
      grams?.add(await workspace.inputs.evaluationRows(name), dataset?.columns?.answer);
    }
    return new Sampler(settings, workspace, policy, grams);
  }

  /** The prompts that can be put, dataset after dataset. @throws UserError if one has a fault, or there is none */
  async rows(): Promise<Usable> {
    const { prompts, limit = Infinity } = this.settings;
    const parts: RowList[] = [];
    for (const name of prompts) {
      const pool = await this.workspace.inputs.rows([name], 'train');
      this.pools.set(name, pool);
      parts.push(firstRows(pool, limit));
    }
    const what = `sample.prompts ${prompts.join(', ')}`;
    const gradable = new Gradable();
    const isGraded = this.settings.keep.includes('correct');
    const require = isGraded ? () => gradable.require(this.workspace.file.datasets, what) : undefined;
    return usableRows(this.workspace, joinRows(parts), { part: 'train', what, require }, (row) => {
      gradable.see(row);
      const isGiven = this.settings.given?.includes(row.dataset) ?? false;
      if (isGiven && row.completion === undefined) {
        return { kind: 'fault', found: 'it has no completion; sample.given says that its data set has them' };
      }
      if (isGiven && row.label === false && this.settings.labels === undefined) {
        return { kind: 'fault', found: 'its completion has the label false; expected good ones alone in sample.given' };
      }
      const gram = this.grams?.findInRow(isGiven ? row : { messages: row.messages });
      if (gram !== undefined) {
        return {
          kind: 'dropped',
          reason: 'contaminated',
          found: `an evaluation question, or its solution, has “${gram}”, too`,
        };
      }
      const { method, messages } = this.prompt(row);
      return method === 'given'
        ? { kind: 'used' }
        : judgePrompt(this.policy, { ...row, messages: [...messages] }, this.settings);
    });
  }

  /** Where what is sampled lies until it is published. */
  get directory(): string {
    return join(this.workspace.file.out, chunksDirectory(this.workspace.settingsDigest));
  }

  async makeDirectory(): Promise<void> {
    await makeWithin(this.directory);
  }

  /** Completions of a chunk's prompts: given ones, and others from disk if an earlier attempt has sampled them. */
  async chunk(index: number, rows: readonly Row[]): Promise<Sampled[]> {
    const asked = rows.filter((row) => this.methodOf(row) !== 'given');
    const sampled = asked.length === 0 ? [] : await this.sampledChunk(index, asked);
    this.workspace.progress.saved(index + 1);
    let next = 0;
    return rows.map((row) => (this.methodOf(row) === 'given' ? given(row) : (sampled[next++] as Sampled)));
  }

  private async sampledChunk(index: number, rows: readonly Row[]): Promise<Sampled[]> {
    const path = join(this.directory, `${String(index).padStart(6, '0')}.json`);
    const saved = await readFile(path, 'utf8').catch(() => undefined);
    // Replaced as a whole, so never half.
    const sampled = saved === undefined ? await this.sample(rows) : (JSON.parse(saved) as Sampled[]);
    if (saved === undefined) await replaceFile(path, JSON.stringify(sampled), this.workspace.writer);
    return sampled;
  }

  private async sample(rows: readonly Row[]): Promise<Sampled[]> {
    const { seed, stage } = this.workspace.file;
    const prompts = rows.map((row) => this.prompt(row));
    const asked = zip(rows, prompts).map(([row, { messages }]) => ({ ...row, messages: [...messages] }));
    const completions = await completeRows(this.policy, asked, this.settings.perPrompt, this.settings, (row, at) =>
      randomKey(seed, stage, 'sample', row.id, at),
    );
    return zip(zip(rows, prompts), completions).map(([[{ id }, prompt], ofPrompt]) => ({
      id,
      ...prompt,
      completions: ofPrompt.map((completion) =>
        responseOf(completion, withTools(completion.row, this.settings.tools, this.policy.tokenizer).tools),
      ),
    }));
  }

  private methodOf(row: Row): Method {
    const { methods, given: ofGiven, thoughts } = this.settings;
    if (ofGiven?.includes(row.dataset)) return thoughts && needsThought(row, thoughts.minWords) ? 'thought' : 'given';
    const { seed, stage } = this.workspace.file;
    return chooseMethod(methods, uniform(randomKey(seed, stage, 'method', row.id), 0));
  }

  private prompt(row: Row): { method: Method; messages: readonly Message[] } {
    const { seed } = this.workspace.file;
    const method = this.methodOf(row);
    switch (method) {
      case 'plain':
      case 'given':
      case 'thought':
        return { method, messages: row.messages };
      case 'fewShot':
        return {
          method,
          messages: fewShotMessages(
            row,
            this.pools.get(row.dataset) ?? [],
            this.settings.examples,
            seed,
            (example) => this.grams?.findInRow(example) === undefined,
          ),
        };
      case 'reflection':
        return { method, messages: reflectionMessages(row) };
    }
  }
}

function responseOf(completion: SampledCompletion, tools: readonly Tool[] | undefined): SampledResponse {
  const { text, opening, tokens, terminated, messages } = completion;
  const before = messages && { messages: messages.slice(0, -1), ...(tools && { tools: [...tools] }) };
  return { text, opening, tokens, terminated, ...(before && { before }) };
}

/** The completion of the row itself, which ranks with no other. */
function given({ id, messages, completion: text = '' }: Row): Sampled {
  return { id, method: 'given', messages, completions: [{ text, opening: '', tokens: 0, terminated: true }] };
}

/** @param draw uniform in 0–1 */
function chooseMethod(methods: SampleSettings['methods'], draw: number): SampleSettings['methods'][number]['method'] {
  const total = methods.reduce((sum, { share }) => sum + share, 0);
  let left = draw * total;
  for (const { method, share } of methods) {
    left -= share;
    if (left < 0) return method;
  }
  return methods.at(-1)?.method ?? 'plain';
}
