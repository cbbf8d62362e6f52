import { type FileHandle, open, readFile } from 'node:fs/promises';
import { z } from 'zod';

const entry = z.strictObject({
  /** SHA-256 of all that the judge was asked, and of who it is. */
  key: z.string(),
  /** Whose budget it is on. */
  judge: z.string(),
  /** The end of what it wrote. */
  text: z.string(),
  refused: z.string().optional(),
  tokens: z.int().min(0),
});
export type CachedVerdict = z.infer<typeof entry>;

/**
 * What judges have said, in a file that grows by a line a verdict. So a stage that goes on from an earlier checkpoint gets the verdicts that
 * it had, and one whose verdicts are all there needs no judge.
 */
export class VerdictCache {
  readonly #path: string;
  readonly #check: () => Promise<void>;
  readonly #verdicts = new Map<string, Omit<CachedVerdict, 'key'>>();
  readonly #spent = new Map<string, number>();
  #file: FileHandle | undefined;
  /** A crash cut the last line. */
  #torn = false;
  #last: Promise<void> = Promise.resolve();

  /** @param check throws if another process has the directory by now */
  private constructor(path: string, check: () => Promise<void>) {
    [this.#path, this.#check] = [path, check];
  }

  static async open(path: string, check: () => Promise<void>): Promise<VerdictCache> {
    const cache = new VerdictCache(path, check);
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    cache.#torn = text !== '' && !text.endsWith('\n');
    for (const line of text.split('\n')) cache.#read(line);
    return cache;
  }

  get(key: string): Omit<CachedVerdict, 'key'> | undefined {
    return this.#verdicts.get(key);
  }

  /** Tokens that a judge has cost so far, by all attempts. */
  spent(judge: string): number {
    return this.#spent.get(judge) ?? 0;
  }

  async add(verdict: CachedVerdict): Promise<void> {
    this.#remember(verdict);
    this.#last = this.#last.then(() => this.#write(verdict));
    await this.#last;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined); // told where it was added
    await this.#file?.close();
  }

  async #write(verdict: CachedVerdict): Promise<void> {
    await this.#check();
    this.#file ??= await open(this.#path, 'a');
    await this.#file.appendFile(`${this.#torn ? '\n' : ''}${JSON.stringify(verdict)}\n`);
    this.#torn = false;
  }

  #read(line: string): void {
    try {
      this.#remember(entry.parse(JSON.parse(line)));
    } catch {
      // Cut by a crash, or of another version: it is asked again.
    }
  }

  #remember({ key, ...verdict }: CachedVerdict): void {
    this.#verdicts.set(key, verdict);
    this.#spent.set(verdict.judge, this.spent(verdict.judge) + verdict.tokens);
  }
}
