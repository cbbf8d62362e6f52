/**
 * How a response is laid out:
 *
 * - `thoughtAndAnswer`: exactly `<think>…</think><answer>…</answer>`;
 * - `thoughtAndSummary`: exactly `<think>…</think>` and plain text behind it, R1's published form;
 * - `answer`, `summary`: one of them without a chain of thought;
 * - `malformed`: any other, a part that is blank or a tag twice.
 *
 * White space may stand around the parts.
 */
export type Form = 'thoughtAndAnswer' | 'thoughtAndSummary' | 'answer' | 'summary' | 'malformed';

/** The parts of a response. */
export interface ParsedResponse {
  readonly form: Form;
  /** Chain of thought; to the end of the text if its block is never closed. */
  readonly think?: string;
  /** Content of the answer block; absent unless the whole text has exactly one, behind the chain of thought. */
  readonly answer?: string;
  /** What a reader gets to see: the answer, or else everything behind the chain of thought, without tags. */
  readonly summary: string;
  /** The text whose language counts: the chain of thought, or the whole text where there is none. */
  readonly languageText: string;
}

const tag = /<\/?(?:think|answer)>/g;

/**
 * Cuts a response into its parts. Never throws, whatever the text.
 *
 * @param text the whole response: what of it the prompt already had, and what the model wrote
 * @param opening what the prompt already had (`openingOf`); behind a block that it closed a chain of thought is not expected
 */
export function parseResponse(text: string, opening = ''): ParsedResponse {
  const closed = closesThought(opening);
  const response = closed ? text.slice(opening.length) : text;
  const tags = Array.from(response.matchAll(tag), (match) => match[0]).join('');
  const [think, rest] = splitThought(response);
  const answer = onlyAnswer(tags, rest);
  const summary = answer ?? withoutTags(rest);
  const form = think === '' || summary === '' ? 'malformed' : formOf(response, tags);
  return {
    form: closed && form.startsWith('thought') ? 'malformed' : form,
    ...(think !== undefined && { think }),
    ...(answer !== undefined && { answer }),
    summary,
    languageText: think || withoutTags(response),
  };
}

/** Whether the prompt wrote the whole block of thought, as templates do that are told not to think. */
export function closesThought(opening: string): boolean {
  return opening.includes('</think>');
}

function formOf(response: string, tags: string): Form {
  switch (tags) {
    case '<think></think><answer></answer>':
      return /^\s*<think>[^]*<\/think>\s*<answer>[^]*<\/answer>\s*$/.test(response) ? 'thoughtAndAnswer' : 'malformed';
    case '<think></think>':
      return /^\s*<think>/.test(response) ? 'thoughtAndSummary' : 'malformed';
    case '<answer></answer>':
      return /^\s*<answer>[^]*<\/answer>\s*$/.test(response) ? 'answer' : 'malformed';
    case '':
      return 'summary';
    default:
      return 'malformed';
  }
}

/**
 * Chain of thought and what follows it. The last closing tag counts, so that a forged early one hides nothing. A text
 * that only closes the block was opened by a prompt that is not known.
 */
function splitThought(text: string): [think: string | undefined, rest: string] {
  const open = text.indexOf('<think>');
  const close = text.lastIndexOf('</think>');
  if (open < 0 && close < 0) return [undefined, text];
  if (close < open) return [withoutTags(text.slice(open)), ''];
  return [withoutTags(text.slice(open < 0 ? 0 : open, close)), text.slice(close + '</think>'.length)];
}

/** Content of the only answer block, if it stands behind the chain of thought. */
function onlyAnswer(tags: string, rest: string): string | undefined {
  if (tags.split('<answer>').length !== 2 || tags.split('</answer>').length !== 2) return undefined;
  const open = rest.indexOf('<answer>');
  const close = rest.indexOf('</answer>');
  if (open < 0 || close < open) return undefined;
  return rest.slice(open + '<answer>'.length, close).trim();
}

function withoutTags(text: string): string {
  return text.replaceAll(tag, ' ').trim();
}
