import { UserError } from '../contract/errors.ts';
import type { Row } from '../contract/dataset.ts';
import type { Head } from '../models/config.ts';
import { encodeResponse } from './encoding.ts';
import { Policy } from './policy.ts';
import type { Workspace } from './workspace.ts';

const expected: Readonly<Record<Head, string>> = { scalar: 'a reward model', lm: 'a model that judges' };

/** Models of earlier stages that a stage names, opened at their first use: the last steps may be the only ones to need them. */
export class InputModels {
  private readonly workspace: Workspace;
  private readonly opened = new Map<string, Promise<Policy>>();

  constructor(workspace: Workspace) {
    this.workspace = workspace;
  }

  /** Scores of the texts as answers to their rows' prompts, by the reward model of a stage. */
  readonly score = async (stage: string, texts: readonly { row: Row; text: string }[]): Promise<readonly number[]> => {
    const model = await this.open(stage, 'scalar');
    return model.engine.scores(texts.map(({ row, text }) => ({ ids: encodeResponse(model, row, text) })));
  };

  open(stage: string, head: Head): Promise<Policy> {
    const known = this.opened.get(stage); // a stage has one kind of head
    if (known) return known;
    const opening = this.load(stage, head);
    this.opened.set(stage, opening);
    return opening;
  }

  private async load(stage: string, head: Head): Promise<Policy> {
    const { inputs, workers, chat = {} } = this.workspace.file;
    const input = inputs[stage];
    if (!input)
      throw new UserError(
        `stage ${this.workspace.file.stage}: no input is named "${stage}"; expected ${expected[head]}`,
      );
    const onActivity = this.workspace.progress.alive;
    const stop = this.workspace.stop.signal;
    const directory = await this.workspace.inputs.verified(input);
    // It reads what it was trained on, with the template that it was trained with.
    const { template: _, ...ownTemplate } = chat;
    return Policy.open(directory, { head, chat: ownTemplate, workers, onActivity, stop });
  }

  async close(): Promise<void> {
    // One that could not be opened has said so where it was used.
    const opened = await Promise.allSettled(this.opened.values());
    await Promise.all(opened.flatMap((model) => (model.status === 'fulfilled' ? [model.value.close()] : [])));
  }
}
