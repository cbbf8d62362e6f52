import { UserError } from '../../contract/process/errors.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import type { Head } from '../../models/config.ts';
import type { ScoreWithModel } from '../../rewards/create-rewards.ts';
import { Policy } from './policy.ts';
import { encodeRead, type Reading, readingOfCheckpoint } from './reading.ts';
import type { Workspace } from '../workspace/workspace.ts';

const expected: Readonly<Record<Head, string>> = { scalar: 'a reward model', lm: 'a model that judges' };

/** Models of earlier stages that a stage names, opened at their first use: the last steps may be the only ones to need them. */
export class InputModels {
  private readonly workspace: Workspace;
  private readonly opened = new Map<string, Promise<Policy>>();
  private readonly readings = new Map<string, Promise<Reading>>();

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  /** Scores of the responses to their rows' prompts, by the reward model of a stage. */
  readonly score: ScoreWithModel = async ({ from, scope }, responses) => {
    const model = await this.open(from, 'scalar');
    const reading = await this.readingOf(from);
    const { maxLength } = model.config;
    return model.engine.scores(
      responses.map(({ row, text, opening }) => ({
        ids: encodeRead(
          model,
          { messages: row.messages, tools: row.tools },
          { text, opening },
          scope === undefined ? reading : { ...reading, scope },
        ).slice(0, maxLength),
      })),
    );
  };

  /** How the reward model of a stage reads. */
  readingOf(stage: string): Promise<Reading> {
    const known = this.readings.get(stage) ?? readingOfCheckpoint(this.inputOf(stage, 'scalar').path);
    this.readings.set(stage, known);
    return known;
  }

  open(stage: string, head: Head): Promise<Policy> {
    const known = this.opened.get(stage); // a stage has one kind of head
    if (known) return known;
    const opening = this.load(stage, head);
    this.opened.set(stage, opening);
    return opening;
  }

  private async load(stage: string, head: Head): Promise<Policy> {
    const { workers, chat = {} } = this.workspace.file;
    const onActivity = this.workspace.progress.alive;
    const stop = this.workspace.stop.signal;
    const directory = await this.workspace.inputs.verified(this.inputOf(stage, head));
    // It reads what it was trained on, with the template that it was trained with.
    const { template: _, ...ownTemplate } = chat;
    return Policy.open(directory, { head, chat: ownTemplate, workers, onActivity, stop });
  }

  private inputOf(stage: string, head: Head): StageFile['inputs'][string] {
    const { stage: ours, inputs } = this.workspace.file;
    const input = inputs[stage];
    if (input) return input;
    throw new UserError(`stage ${ours}: no input is named "${stage}"; expected ${expected[head]}`);
  }

  async close(): Promise<void> {
    // One that could not be opened has said so where it was used.
    const opened = await Promise.allSettled(this.opened.values());
    await Promise.all(opened.flatMap((model) => (model.status === 'fulfilled' ? [model.value.close()] : [])));
  }
}
