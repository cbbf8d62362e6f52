import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { placedLines } from './placed-lines.ts';
import { type Place, PlaceTable } from './place-table.ts';

const entry = z.strictObject({
  /** SHA-256 of all that the judge was asked, and of who it is. */
  key: z.string().regex(/^[0-9a-f]{64}$/),
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
 * it had, and one whose verdicts are all there needs no judge. In memory is where each lies in the file, which is read when it is asked for:
 * a data set of a million rows has gigabytes of verdicts.
 */
export class VerdictCache {
  readonly #path: string;
  readonly #check: () => Promise<void>;
  readonly #places = new PlaceTable();
  readonly #spent = new Map<string, number>();
  #opened: Promise<FileHandle> | undefined;
  #bytes = 0;
  /** A crash cut the last line. */
  #torn = false;
  #last: Promise<void> = Promise.resolve();

  /** @param check throws if another process has the directory by now */
  private constructor(path: string, check: () => Promise<void>) {
    [this.#path, this.#check] = [path, check];
  }

  static async open(path: string, check: () => Promise<void>): Promise<VerdictCache> {
    const cache = new VerdictCache(path, check);
    for await (const { text, isWhole, ...place } of placedLines(path)) {
      const verdict = parse(text);
      if (verdict) cache.#remember(verdict, place);
      cache.#torn = !isWhole;
      cache.#bytes = place.offset + place.length + Number(isWhole);
    }
    return cache;
  }

  /** Of several verdicts on the same question the first: so it is the same one for whoever asks, and later too. */
  async get(key: string): Promise<CachedVerdict | undefined> {
    for (const place of this.#places.find(prefixOf(key))) {
      // oxlint-disable-next-line no-await-in-loop -- there is hardly ever a second one
      const verdict = parse(await this.#read(place));
      if (verdict?.key === key) return verdict;
    }
    return undefined;
  }

  /** Tokens that a judge has cost so far, by all attempts. */
  spent(judge: string): number {
    return this.#spent.get(judge) ?? 0;
  }

  async add(verdict: CachedVerdict): Promise<void> {
    this.#spend(verdict);
    this.#last = this.#last.then(() => this.#write(verdict));
    await this.#last;
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined); // told where it was added
    await (await this.#opened)?.close();
  }

  async #write(verdict: CachedVerdict): Promise<void> {
    await this.#check();
    const [line, end] = [JSON.stringify(verdict), this.#torn ? '\n' : ''];
    await (await this.#file()).appendFile(`${end}${line}\n`);
    const place = { offset: this.#bytes + end.length, length: Buffer.byteLength(line) };
    this.#bytes = place.offset + place.length + 1;
    this.#torn = false;
    this.#places.add(prefixOf(verdict.key), place);
  }

  async #read({ offset, length }: Place): Promise<string> {
    const { buffer, bytesRead } = await (await this.#file()).read(Buffer.alloc(length), 0, length, offset);
    return buffer.toString('utf8', 0, bytesRead);
  }

  #file(): Promise<FileHandle> {
    return (this.#opened ??= open(this.#path, 'a+'));
  }

  #remember(verdict: CachedVerdict, place: Place): void {
    this.#places.add(prefixOf(verdict.key), place);
    this.#spend(verdict);
  }

  #spend({ judge, tokens }: CachedVerdict): void {
    this.#spent.set(judge, this.spent(judge) + tokens);
  }
}

/** Nothing of a line that was cut by a crash, or is of another version: it is asked again. */
function parse(line: string): CachedVerdict | undefined {
  try {
    return entry.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** As many bits of a key as a number has. */
function prefixOf(key: string): number {
  return Number.parseInt(key.slice(0, 13), 16);
}
