import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';

const chunkBytes = 1 << 20;
export const digestBytes = 32;

/** Parameters as they are now. */
export interface ParametersNow {
  readonly version: string;
  readonly bytes: number;
  /** The numbers of one tensor after the other. */
  readonly read: () => AsyncIterable<{ readonly values: Float32Array }>;
  /** False as soon as the values may change. */
  readonly isCurrent: () => boolean;
}

/** Sends parameters to many workers; their digest is computed once a version. */
export class ParameterSender {
  #digest: { readonly version: string; readonly value: Promise<Uint8Array | undefined> } | undefined;

  /**
   * Sends the parameters as they lie in memory, and their SHA-256 after them. Ends the connection without it when the
   * parameters change meanwhile: what was sent is then of no use.
   */
  async send(response: ServerResponse, parameters: ParametersNow): Promise<void> {
    if (this.#digest?.version !== parameters.version) {
      this.#digest = { version: parameters.version, value: digestOf(parameters) };
    }
    const { value } = this.#digest;
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': parameters.bytes + digestBytes,
    });
    for await (const chunk of chunksOf(parameters)) {
      if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
      if (response.destroyed) return;
    }
    const digest = await value;
    if (digest === undefined || !parameters.isCurrent()) response.destroy();
    else response.end(digest);
  }
}

async function digestOf(parameters: ParametersNow): Promise<Uint8Array | undefined> {
  const hash = createHash('sha256');
  for await (const chunk of chunksOf(parameters)) {
    hash.update(chunk);
    await turn(); // a large model takes seconds, and others want to be answered
  }
  return parameters.isCurrent() ? hash.digest() : undefined;
}

/** Ends when the parameters change. */
async function* chunksOf({ read, isCurrent }: ParametersNow): AsyncGenerator<Uint8Array> {
  for await (const { values } of read()) {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      if (!isCurrent()) return;
      yield Uint8Array.from(bytes.subarray(at, at + chunkBytes)); // a copy: sockets and hashes refuse shared memory
    }
  }
}
