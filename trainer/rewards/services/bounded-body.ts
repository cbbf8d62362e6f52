import type { Response } from 'undici';

/**
 * What a service outside has answered, as far as it may.
 *
 * @returns undefined where it is longer than so many bytes; the rest is not read
 */
export async function boundedBody({ body }: Response, mostBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
