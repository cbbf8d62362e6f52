import * as fc from 'fast-check';

/** Bytes of a valid file with a few of them changed, moved, repeated or cut away. */
export function damagedBytes(seeds: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    length: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 200 })),
    insert: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constantFrom(...hostileTexts).map(bytesOf)),
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 4 })).map(([seed, edits]) =>
    edits.reduce((bytes: Uint8Array, { at, length, insert }) => {
      const start = Math.floor(at * bytes.length);
      return Buffer.concat([bytes.subarray(0, start), insert, bytes.subarray(start + length)]);
    }, seed),
  );
}

/** JSON of a valid document with a few values replaced, removed, renamed, repeated or moved elsewhere. */
export function damagedJson(seeds: readonly unknown[]): fc.Arbitrary<unknown> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const edit = fc.record({
    place,
    kind: fc.constantFrom('replace', 'remove', 'rename', 'repeat', 'move'),
    value: hostileValue(),
    from: place,
  });
  return fc.tuple(fc.constantFrom(...seeds), fc.array(edit, { minLength: 1, maxLength: 3 })).map(([seed, edits]) => {
    const document = { root: structuredClone(seed) };
    for (const { place: at, kind, value, from } of edits) applyEdit(document, at, kind, value, from);
    return document.root;
  });
}

type Container = Record<string, unknown>;

function applyEdit(document: Container, at: number, kind: string, value: unknown, from: number): void {
  const places = placesOf(document);
  const place = places[Math.floor(at * places.length)];
  if (place === undefined) return; // an earlier edit has left nothing
  const { container, key } = place;
  switch (kind) {
    case 'replace':
      return set(container, key, value);
    case 'remove':
      if (Array.isArray(container)) container.splice(Number(key), 1);
      else delete container[key];
      return;
    case 'rename':
      if (Array.isArray(container)) container.splice(Number(key), 0, value); // an item has no name: another takes its place
      else set(container, typeof value === 'string' ? value : `${key}_`, container[key]);
      return;
    case 'repeat':
      if (Array.isArray(container)) container.push(structuredClone(container[Number(key)]));
      else set(container, `${key}2`, structuredClone(container[key]));
      return;
    case 'move': {
      const other = places[Math.floor(from * places.length)]!;
      set(container, key, structuredClone(other.container[other.key]));
    }
  }
}

/** `__proto__` as a key of its own, as `JSON.parse` makes it. */
function set(container: Container, key: string, value: unknown): void {
  Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true });
}

function placesOf(container: Container): { container: Container; key: string }[] {
  const places: { container: Container; key: string }[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 50) return;
    for (const key of Object.keys(value)) {
      places.push({ container: value as Container, key });
      visit((value as Container)[key], depth + 1);
    }
  };
  visit(container, 0);
  return places;
}

/** Values that readers trip over. */
function hostileValue(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      false,
      '',
      [],
      {},
      -1,
      0,
      1,
      1.5,
      -0.5,
      2 ** 31,
      2 ** 32,
      2 ** 53,
      1e18,
      1e300,
      -1e300,
      Number.MIN_VALUE,
    ),
    fc.constantFrom(...hostileTexts),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.integer(),
    fc.integer({ min: 1, max: 100_000 }).map((depth) => `@nested ${depth}@`),
    fc.integer({ min: 1, max: 3000 }).map((length) => 'x'.repeat(length)),
    fc.integer({ min: 1, max: 3000 }).map((length) => Array.from({ length }, (_, index) => index)),
    fc.jsonValue({ maxDepth: 3 }),
  );
}

/** Texts that mean something to some reader. */
export const hostileTexts = [
  '__proto__',
  'constructor',
  'toString',
  '\u0000',
  '\u001b[2J',
  '\ud800',
  '\ufeff',
  '../../etc/passwd',
  '%s%n',
  '${x}',
  '{{ x }}',
  '{% for i in range(99999) %}',
  '(a+)+$',
  '[',
  '*a',
  '&a [*a]',
  '<<: *a',
  '!!js/function x',
  '1e999',
  '-0',
  'NaN',
  '9007199254740993',
  '18446744073709551616',
  '}',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '\n',
  '\r\n',
] as const;

/** The text in UTF-8; `"@nested 3@"` in it becomes `[[[]]]`, which could not be cloned or written from a value. */
export function bytesOf(text: string): Uint8Array {
  const whole = text.replaceAll(
    /"@nested (\d+)@"/g,
    (_, depth) => '['.repeat(Number(depth)) + ']'.repeat(Number(depth)),
  );
  return Buffer.from(whole, 'utf8');
}

export function jsonBytes(values: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  return values.map((value) => bytesOf(JSON.stringify(value) ?? ''));
}

/** A JSON document, damaged as a document or as bytes. */
export function damagedJsonFile(seeds: readonly unknown[]): fc.Arbitrary<Uint8Array> {
  return fc.oneof(
    { weight: 3, arbitrary: jsonBytes(damagedJson(seeds)) },
    { weight: 1, arbitrary: damagedBytes(seeds.map((seed) => bytesOf(JSON.stringify(seed)))) },
  );
}
