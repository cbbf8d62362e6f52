/**
 * What a rendered prompt already has of the response: a tag that opens the block of thought at its very end, as the templates of
 * R1's distilled models write it, or a whole empty block, as Qwen3's template does without `enable_thinking`, and the prefill.
 * Such a tag elsewhere in the prompt is only mentioned.
 *
 * @param prefill text that was put behind the rendered template
 * @returns the end of the prompt, to which a completion is joined; empty if the response starts with the completion
 */
export function openingOf(prompt: string, prefill = ''): string {
  const template = prefill === '' ? prompt : prompt.slice(0, -prefill.length);
  const [tags = ''] = /<think>\s*(?:<\/think>\s*)?$/.exec(template) ?? [];
  return tags + prefill;
}

/**
 * A whole response as it continues a prompt, with one block of thought between them:
 *
 * - what the prompt has of the response already is left out, so that nothing is read twice;
 * - a block that the response only closes is opened, unless the prompt has done so;
 * - a response without a thought first closes a block that the prompt has opened;
 * - behind a block that the prompt has closed the response's own thought is left out.
 *
 * @param response as data sets have it, whatever template it was made with
 */
export function continuationOf(response: string, opening: string): string {
  if (opening === '') return onlyCloses(response) ? `<think>${response}` : response;
  const open = opening.indexOf('<think>');
  if (open < 0) return afterCommon(response, opening);
  const tail = opening.slice(open + '<think>'.length);
  const close = tail.lastIndexOf('</think>');
  if (close >= 0) {
    const after = tail.slice(close + '</think>'.length);
    const thought = response.lastIndexOf('</think>');
    return thought < 0 ? response : afterCommon(response.slice(thought + '</think>'.length), after);
  }
  const tag = /^\s*<think>/.exec(response);
  if (tag !== null) return afterCommon(response.slice(tag[0].length), tail);
  return response.includes('</think>') ? response : `\n</think>\n\n${response}`;
}

function onlyCloses(response: string): boolean {
  return response.includes('</think>') && !response.includes('<think>');
}

/** The text without what it has in common with the start that was given already. */
function afterCommon(text: string, given: string): string {
  if (text.startsWith(given)) return text.slice(given.length);
  // The thoughts differ, or are set off by other white space: only blanks may be the same.
  let same = 0;
  const blanks = given.trim() === '' ? given : '';
  while (same < blanks.length && text[same] === blanks[same]) same++;
  return text.slice(same);
}
