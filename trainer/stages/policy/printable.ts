/**
 * Text of a model for a terminal: control characters but line breaks and tabs are shown as pictures (␀, ␛), so that none
 * moves the cursor, ends a line of the log or hides what was written.
 */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? '␡' : '\ufffd';
  });
}
