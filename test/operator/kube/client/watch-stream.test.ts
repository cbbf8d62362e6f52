import { describe, expect, test } from '@jest/globals';
import type { ConfigMap } from '../../../../operator/kube/client/resources.ts';
import { watchEvents } from '../../../../operator/kube/client/watch-stream.ts';

interface Seen {
  readonly types: string[];
  readonly names: (string | undefined)[];
}

const added = line('ADDED', 'a');
const umlaut = line('ADDED', 'grüße-🎓');
const bookmark = `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })}\n`;

function line(type: string, name: string, more: object = {}): string {
  return `${JSON.stringify({ type, object: { metadata: { name, resourceVersion: '1' }, ...more } })}\n`;
}

async function read(chunks: Iterable<Uint8Array>): Promise<Seen> {
  const seen: Seen = { types: [], names: [] };
  async function* stream() {
    yield* chunks;
  }
  for await (const { type, object } of watchEvents<ConfigMap>(stream())) {
    seen.types.push(type);
    seen.names.push((object.metadata as { name?: string }).name);
  }
  return seen;
}

function* cutEvery(bytes: Buffer, size: number): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

describe('framing', () => {
  const text = Buffer.from(added + umlaut + bookmark + added);

  test.each([1, 2, 3, 7, 64, text.length])('chunks of %i bytes give the same events', async (size) => {
    const { types, names } = await read(cutEvery(text, size));
    expect(types).toEqual(['ADDED', 'ADDED', 'BOOKMARK', 'ADDED']);
    expect(names).toEqual(['a', 'grüße-🎓', undefined, 'a']);
  });

  test.each([
    { name: 'nothing', text: '', types: [] },
    { name: 'a line without its end was cut off and is dropped', text: added + added.slice(0, -9), types: ['ADDED'] },
    { name: 'a whole event without a line feed too: it comes again', text: added.trimEnd(), types: [] },
    { name: 'empty lines mean nothing', text: `\n\r\n${added}\n`, types: ['ADDED'] },
  ])('$name', async ({ text: content, types }) => {
    expect((await read([Buffer.from(content)])).types).toEqual(types);
  });

  test('an object of 16 MB in chunks of 256 bytes is read in time proportional to its length', async () => {
    const large = Buffer.from(line('ADDED', 'large', { data: { blob: 'ü'.repeat(8_000_000) } }));
    // Joining what is there with every chunk would copy 500 GB, and outlast any test.
    expect((await read(cutEvery(large, 256))).names).toEqual(['large']);
  });
});

describe('errors', () => {
  const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version: 1 (2)' };

  test('an ERROR event is thrown, after the events before it', async () => {
    const error = `${JSON.stringify({ type: 'ERROR', object: status })}\n`;
    const names: unknown[] = [];
    async function* stream() {
      yield Buffer.from(added + error + added);
    }
    const reading = (async () => {
      for await (const { object } of watchEvents<ConfigMap>(stream())) names.push(object.metadata);
    })();
    await expect(reading).rejects.toMatchObject({ status: 410, message: status.message });
    expect(names).toHaveLength(1);
  });

  test('a line that is no JSON is an error', async () => {
    await expect(read([Buffer.from('<html>\n')])).rejects.toThrow(SyntaxError);
  });
});
