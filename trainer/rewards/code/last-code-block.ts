import type { Language } from './code-tests.ts';

const fence = /^[^\S\n]*```([^\n`]*)\n([^]*?)^[^\S\n]*```[^\S\n]*$/gm;

interface CodeBlock {
  /** With its quotes. */
  readonly text: string;
  readonly code: string;
  /** That is written behind its first quotes, if it is one of ours. */
  readonly language?: Language;
}

/** The last block of code between lines of three back quotes. */
export function lastCodeBlock(text: string): CodeBlock | undefined {
  if (!text.includes('```')) return undefined;
  const [block, tag, code] = [...text.slice(-200_000).matchAll(fence)].at(-1) ?? [];
  if (block === undefined || tag === undefined || code === undefined) return undefined;
  const language = languageOf(tag.trim().toLowerCase());
  return { text: block.trim(), code: code.trim(), ...(language && { language }) };
}

function languageOf(tag: string): Language | undefined {
  if (/^(?:js|javascript|node)\b/.test(tag)) return 'javascript';
  return /^py(?:thon)?3?\b/.test(tag) ? 'python' : undefined;
}
