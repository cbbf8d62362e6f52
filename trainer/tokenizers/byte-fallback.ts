/** A decoder of @huggingface/tokenizers, whose own types do not resolve. */
export interface Decoder {
  readonly decoders?: readonly Decoder[];
  readonly text_decoder?: InstanceType<typeof TextDecoder>;
}

/**
 * Has the byte-fallback decoders of a tokenizer read bytes as PyPI `tokenizers` does: U+FEFF is text and no mark of the
 * byte order, and a run of bytes that is not UTF-8 becomes one U+FFFD a byte.
 */
export function repairByteFallback(decoder: Decoder | null): void {
  if (decoder === null) return;
  const { decoders, text_decoder: textDecoder } = decoder;
  for (const inner of decoders ?? []) repairByteFallback(inner);
  // That of a byte-level decoder ignores the mark by itself, and reads what is broken as the reference does.
  if (textDecoder !== undefined && !textDecoder.ignoreBOM)
    Object.assign(decoder, { text_decoder: { decode: textOfBytes } });
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function textOfBytes(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return '\ufffd'.repeat(bytes.length);
  }
}
