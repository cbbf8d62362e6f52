import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

const chunkBytes = 1 << 20;
export const digestBytes = 32;

/**
 * Sends flat parameters as they lie in memory, and their SHA-256 after them. Ends the connection without it when the
 * parameters change meanwhile: what was sent is then of no use.
 *
 * @param isCurrent false as soon as the parameters may change
 */
export async function sendParameters(
  response: ServerResponse,
  parameters: Float32Array,
  isCurrent: () => boolean,
): Promise<void> {
  const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset, parameters.byteLength);
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': bytes.length + digestBytes,
  });
  const hash = createHash('sha256');
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    // A copy: the array is shared memory, and the socket may take its time.
    const chunk = Uint8Array.from(bytes.subarray(at, at + chunkBytes));
    if (!isCurrent()) {
      response.destroy();
      return;
    }
    hash.update(chunk);
    if (!response.write(chunk)) await drained(response);
    if (response.destroyed) return;
  }
  response.end(hash.digest());
}

/** Settles when there is room again, or nobody is left to send to; leaves no listener behind, as there are thousands of chunks. */
async function drained(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]).finally(() =>
    over.abort(),
  );
}
