import { parseResponse } from './parse-response.ts';

/**
 * A well-formed completion with tidy white space: no blanks at the ends of lines or next to tags, single blanks, at most
 * one blank line. Idempotent; answers stay equal. Completions that are not well-formed are returned as they are.
 */
export function canonicalForm(text: string): string {
  const { think, answer, wellFormed, bareAnswer } = parseResponse(text);
  if (wellFormed) return `<think>${tidy(think ?? '')}</think><answer>${tidy(answer ?? '')}</answer>`;
  return bareAnswer ? `<answer>${tidy(answer ?? '')}</answer>` : text;
}

function tidy(text: string): string {
  return text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[^\S\n]+/g, ' ')
    .replaceAll(/ ?\n ?/g, '\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}
