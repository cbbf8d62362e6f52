import type { ConstantData, Value } from './value.ts';

/** Names of tensors in a file or a function: ports keep theirs, equal constants share one. */
export class Names {
  readonly #names = new Map<Value, string>();
  readonly #constants = new Map<string, { readonly bytes: Buffer; readonly name: string }[]>();

  /** @param given the values that have a name already */
  constructor(given: readonly (readonly [name: string, value: Value])[]) {
    for (const [name, value] of given) this.#names.set(value, name);
  }

  of(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    const name = this.#fresh(value);
    this.#names.set(value, name);
    return name;
  }

  #fresh(value: Value): string {
    if (value.source.kind === 'input') return value.source.name;
    const next = `t${this.#names.size}`;
    if (value.source.kind === 'node') return next;
    const bytes = bytesOf(value.source.data);
    const kind = `${value.type} ${value.shape.join()}`;
    const alike = this.#constants.get(kind) ?? [];
    this.#constants.set(kind, alike);
    const equal = alike.find((other) => other.bytes.equals(bytes));
    if (equal === undefined) alike.push({ bytes, name: next });
    return equal?.name ?? next;
  }
}

/** The numbers of a constant as they lie in memory. */
export function bytesOf({ buffer, byteOffset, byteLength }: ConstantData): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
