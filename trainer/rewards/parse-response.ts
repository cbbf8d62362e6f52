/** The parts of a completion. */
export interface ParsedResponse {
  /** Chain of thought; to the end of the text if its block is never closed. */
  readonly think?: string;
  /** Content of the answer block; absent unless the whole text has exactly one, behind the chain of thought. */
  readonly answer?: string;
  /** What a reader gets to see: the answer, or else everything behind the chain of thought, without tags. */
  readonly summary: string;
  /** Exactly `<think>…</think><answer>…</answer>`, neither part blank, nothing but white space around them. */
  readonly wellFormed: boolean;
  /** Exactly `<answer>…</answer>`, not blank: the form of a completion that needs no chain of thought. */
  readonly bareAnswer: boolean;
  /** The text whose language counts: the chain of thought, or the whole text where there is none. */
  readonly languageText: string;
}

const tag = /<\/?(?:think|answer)>/g;

const fullForm = /^\s*<think>[^]*<\/think>\s*<answer>[^]*<\/answer>\s*$/;
const bareForm = /^\s*<answer>[^]*<\/answer>\s*$/;

/** Cuts a completion into its parts. Never throws, whatever the text. */
export function parseResponse(text: string): ParsedResponse {
  const tags = Array.from(text.matchAll(tag), (match) => match[0]).join('');
  const [think, rest] = splitThought(text);
  const answer = onlyAnswer(tags, rest);
  return {
    ...(think !== undefined && { think }),
    ...(answer !== undefined && { answer }),
    summary: answer ?? withoutTags(rest),
    wellFormed: tags === '<think></think><answer></answer>' && think !== '' && answer !== '' && fullForm.test(text),
    bareAnswer: tags === '<answer></answer>' && answer !== '' && bareForm.test(text),
    languageText: think ?? withoutTags(text),
  };
}

/**
 * Chain of thought and what follows it. The last closing tag counts, so that a forged early one hides nothing. A text
 * that only closes the block was opened by the prompt, as some chat templates do.
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
