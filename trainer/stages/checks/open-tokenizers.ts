import { UserError } from '../../contract/process/errors.ts';
import type { Rendering } from '../../contract/settings/file-check.ts';
import { keyOf } from '../../data/look-at-dataset.ts';
import { loadTokenizer, type Tokenizer } from '../../tokenizers/tokenizer.ts';
import { withTemplateText } from '../../tokenizers/template-file.ts';

/** Tokenizers that files are looked at with: each is read once, whether a model is looked at or rows are rendered. A large one takes a second to read. */
export class OpenTokenizers {
  readonly #opened = new Map<string, Promise<Tokenizer>>();

  /** @throws UserError for one that cannot be used, or chat settings that the model cannot follow */
  open(rendering: Rendering): Promise<Tokenizer> {
    const opened = this.#opened.get(keyOf(rendering)) ?? start(rendering);
    this.#opened.set(keyOf(rendering), opened);
    return opened;
  }

  /** The tokenizer, or what is wrong with it. */
  async tryToOpen(rendering: Rendering): Promise<Tokenizer | UserError> {
    try {
      return await this.open(rendering);
    } catch (error) {
      if (error instanceof UserError) return error;
      throw error;
    }
  }

  /** Closes those that are not needed any more: of many models all would not fit. */
  async closeExcept(needed: readonly Rendering[]): Promise<void> {
    const kept = new Set(needed.map(keyOf));
    for (const [key, opened] of this.#opened) {
      if (kept.has(key)) continue;
      this.#opened.delete(key);
      // oxlint-disable-next-line no-await-in-loop -- there are few, and nothing waits for them
      await opened.then((tokenizer) => tokenizer.close()).catch(() => undefined); // it was told where it was opened
    }
  }
}

async function start({ directory, chat = {} }: Rendering): Promise<Tokenizer> {
  return loadTokenizer(directory, await withTemplateText(chat));
}
