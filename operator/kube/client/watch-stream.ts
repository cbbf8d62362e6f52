import { ApiError, type ApiStatus } from './api-error.ts';
import type { KubeObject, Stored } from './resources.ts';

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<T> }
  | { readonly type: 'BOOKMARK'; readonly object: { readonly metadata: { readonly resourceVersion: string } } };

const lineFeed = 0x0a;
const utf8 = new TextDecoder();

/**
 * The events of a watch, one JSON document a line, in the chunks in which the network delivered them. Lines are cut on
 * bytes and decoded whole, since a chunk may end inside a character. What follows the last line feed was cut off on its
 * way and is dropped: the next watch delivers it again. Throws ApiError for an ERROR event.
 */
export async function* watchEvents<T extends KubeObject>(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<WatchEvent<T>, void, undefined> {
  // An object may be megabytes long: its pieces are joined once, and not with every chunk.
  let pieces: Uint8Array[] = [];
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      const rest = chunk.subarray(start, end);
      const line = utf8.decode(pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]));
      pieces = [];
      start = end + 1;
      if (line.trim() !== '') yield parse<T>(line);
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
}

function parse<T extends KubeObject>(line: string): WatchEvent<T> {
  const event = JSON.parse(line) as WatchEvent<T> | { readonly type: 'ERROR'; readonly object: ApiStatus };
  if (event.type === 'ERROR') throw ApiError.fromStatus(event.object);
  return event;
}
