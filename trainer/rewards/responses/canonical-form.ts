import { closesThought, parseResponse } from './parse-response.ts';

/**
 * A well-formed response with tidy white space: none next to tags or at the ends of lines, at most one blank line in a row, and
 * line feeds alone. Code blocks, indentation and blanks inside lines stay as they are. Idempotent. What is not well-formed is
 * returned as it is.
 *
 * @param text the whole response
 * @param opening what of it the prompt already had; an empty block of thought stays in front
 */
export function canonicalForm(text: string, opening = ''): string {
  const start = closesThought(opening) ? opening : '';
  const response = text.slice(start.length);
  const { form } = parseResponse(text, opening);
  const [, thought = '', rest = ''] = /^\s*<think>([^]*)<\/think>([^]*)$/.exec(response) ?? [];
  switch (form) {
    case 'thoughtAndAnswer':
      return `<think>${tidy(thought)}</think>${tidyAnswer(rest)}`;
    case 'thoughtAndSummary':
      return `<think>${tidy(thought)}</think>\n\n${tidy(rest)}`;
    case 'answer':
      return start + tidyAnswer(response);
    case 'summary':
      return start + tidy(response);
    case 'malformed':
      return text;
  }
}

function tidyAnswer(text: string): string {
  const [, answer = ''] = /^\s*<answer>([^]*)<\/answer>\s*$/.exec(text) ?? [];
  return `<answer>${tidy(answer)}</answer>`;
}

/** A fenced block of code, to the end of the text if it is not closed. */
const fence = /(^[^\S\n]*(`{3,}|~{3,})[^]*?(?:^[^\S\n]*\2[`~]*[^\S\n]*$|(?![^])))/gm;

function tidy(text: string): string {
  const lines = text.replaceAll(/\r\n?/g, '\n');
  const pieces: string[] = [];
  let from = 0;
  for (const { 0: code, index } of lines.matchAll(fence)) {
    pieces.push(tidyProse(lines.slice(from, index)), code);
    from = index + code.length;
  }
  const tidied = [...pieces, tidyProse(lines.slice(from))]
    .join('')
    .replace(/^(?:[^\S\n]*\n)+/, '')
    .trimEnd();
  // The first of several lines keeps its indentation, which the others are relative to.
  return tidied.includes('\n') ? tidied : tidied.trim();
}

function tidyProse(text: string): string {
  return text.replaceAll(/[^\S\n]+$/gm, '').replaceAll(/\n{3,}/g, '\n\n');
}
