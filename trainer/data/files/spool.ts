import { randomUUID } from 'node:crypto';
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskFullError } from '../../contract/process/errors.ts';

const blockBytes = 2 ** 20;

/**
 * A file without a name in the directory for temporary files (TMPDIR), which ends with the process however that ends. Rows of
 * a format in which a single one cannot be found again are kept there.
 */
export class Spool {
  readonly descriptor: number;
  private block: Buffer[] = [];
  private bytes = 0;

  constructor() {
    const path = join(tmpdir(), `r1-rows-${randomUUID()}`);
    this.descriptor = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  }

  /** Gives its space back: nobody will read what was written. */
  close(): void {
    closeSync(this.descriptor);
  }

  /** Appends. @throws DiskFullError */
  write(bytes: Buffer): void {
    this.block.push(bytes);
    this.bytes += bytes.length;
    if (this.bytes >= blockBytes) this.flush();
  }

  /** What was written can be read after it. @throws DiskFullError */
  flush(): void {
    const block = Buffer.concat(this.block);
    this.block = [];
    this.bytes = 0;
    try {
      for (let at = 0; at < block.length;) at += writeSync(this.descriptor, block, at);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
      throw new DiskFullError(`${tmpdir()}: no space left for the rows of Parquet files`, { cause });
    }
  }
}
