import { lastLine } from '../core/last-line.ts';
import { open, type FileHandle } from 'node:fs/promises';
import { progressLine, type ProgressLine } from '../../trainer/contract/files/progress.ts';

const chunkBytes = 64 * 1024;
const longestLine = 64 * 1024;
const keptTail = 8 * 1024;

/**
 * Reads the progress lines of a log that grows. The trainer writes to a file and not to a pipe, so that it can save
 * and end in order when the process that runs it is killed.
 */
export class LogFollower {
  private readonly path: string;
  private readonly onProgress: (line: ProgressLine) => void;
  private readonly decoder = new TextDecoder();
  private readonly buffer = new Uint8Array(chunkBytes);
  private file: FileHandle | undefined;
  private offset = 0;
  private line = '';
  private reading: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The newest text that is no progress line: what a process said before it died. */
  private words = '';

  constructor(path: string, onProgress: (line: ProgressLine) => void) {
    this.path = path;
    this.onProgress = onProgress;
  }

  start(intervalMs: number): void {
    this.timer = setInterval(() => void this.read(), intervalMs);
  }

  /** Reads what is left and closes the file. */
  async finish(): Promise<void> {
    clearInterval(this.timer);
    await this.reading;
    await this.read();
    this.takeLine('');
    await this.file?.close();
  }

  /** The last words of the process, without the stack and the fields of an error; empty if it said nothing. */
  get lastWords(): string {
    return lastLine(this.words, { cut: this.words.length >= keptTail });
  }

  get tail(): string {
    return this.words;
  }

  private read(): Promise<void> {
    this.reading ??= this.readOn().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readOn(): Promise<void> {
    this.file ??= await open(this.path, 'r').catch(() => undefined);
    for (;;) {
      const bytesRead = (await this.file?.read(this.buffer, 0, chunkBytes, this.offset))?.bytesRead ?? 0;
      if (bytesRead === 0) return;
      this.offset += bytesRead;
      const parts = this.decoder.decode(this.buffer.subarray(0, bytesRead), { stream: true }).split('\n');
      parts.forEach((part, index) => {
        if (index > 0) this.takeLine();
        if (this.line.length < longestLine) this.line += part;
      });
    }
  }

  private takeLine(ending = '\n'): void {
    const { line } = this;
    this.line = '';
    const progress = parseProgress(line);
    if (progress !== undefined) this.onProgress(progress);
    else if (line.trim() !== '') this.words = `${this.words}${line}${ending}`.slice(-keptTail);
  }
}

/** A progress line, or nothing for anything else that a process may print. */
export function parseProgress(line: string): ProgressLine | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return progressLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
