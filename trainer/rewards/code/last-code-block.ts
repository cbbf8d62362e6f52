const fence = /^[^\S\n]*```[^\n`]*\n([^]*?)^[^\S\n]*```[^\S\n]*$/gm;

/** Content of the last block of code between lines of three back quotes. */
export function lastCodeBlock(text: string): string | undefined {
  if (!text.includes('```')) return undefined;
  return [...text.slice(-200_000).matchAll(fence)].at(-1)?.[1]?.trim();
}
