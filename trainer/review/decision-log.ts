import { open, readFile, truncate } from 'node:fs/promises';
import { UserError } from '../contract/process/errors.ts';
import { decision, type Decision } from './decision.ts';

/**
 * `decisions.jsonl`: what people decided, the newest last. It only ever grows, by whole lines; several processes may add to
 * it, the stage that waits and `r1 review` among them.
 */
export class DecisionLog {
  readonly path: string;
  #text = '';
  #decisions: readonly Decision[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /** All that was decided so far, by whomever. @throws UserError `file:line: …` for a line that is no decision */
  async read(): Promise<readonly Decision[]> {
    const whole = wholeLines(await this.#content());
    if (whole === this.#text) return this.#decisions;
    const lines = whole.split('\n').map((line, at) => ({ line, place: `${this.path}:${at + 1}` }));
    this.#decisions = lines.filter(({ line }) => line.trim() !== '').map(({ line, place }) => parse(line, place));
    this.#text = whole;
    return this.#decisions;
  }

  /** All of them or none; they are on the disk when it resolves. */
  async append(decisions: readonly Decision[]): Promise<void> {
    if (decisions.length === 0) return;
    const content = await this.#content();
    const whole = wholeLines(content);
    if (whole.length < content.length) await truncate(this.path, Buffer.byteLength(whole));
    const begin = whole === '' || whole.endsWith('\n') ? '' : '\n';
    await using file = await open(this.path, 'a', 0o600);
    await file.appendFile(`${begin}${decisions.map((each) => `${JSON.stringify(each)}\n`).join('')}`);
    await file.sync();
  }

  #content(): Promise<string> {
    return readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
  }
}

/** Without a last line that was cut off while it was written: nobody was told that it is kept. */
function wholeLines(content: string): string {
  const end = content.lastIndexOf('\n') + 1;
  return isJson(content.slice(end)) ? content : content.slice(0, end);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parse(line: string, place: string): Decision {
  try {
    return decision.parse(JSON.parse(line));
  } catch (error) {
    throw new UserError(
      `${place}: expected {"id", "decision": accept|edit|reject, "reviewer", "completion"?, "comment"?}, found ${line.slice(0, 200)}`,
      { cause: error },
    );
  }
}
