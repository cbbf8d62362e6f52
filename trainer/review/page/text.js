/** How completions and their changes are drawn. All text is text: nothing of a row is ever markup. */

/** @param children texts and nodes @returns {HTMLElement} */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const blocks = /<(think|answer)>[\s\S]*?(?:<\/\1>|$)/g;

/** A completion with its chain of thought and its answer set apart. */
export function completionParts(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(blocks)) {
    if (found.index > end) parts.push({ kind: 'plain', text: text.slice(end, found.index) });
    parts.push({ kind: found[1], text: found[0] });
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push({ kind: 'plain', text: text.slice(end) });
  return parts.filter((part) => part.text.trim() !== '');
}

export function drawCompletion(text) {
  if (text === '') return [element('p', { className: 'text plain empty' }, 'no completion')];
  return completionParts(text).map(({ kind, text: of }) =>
    element('div', { className: `text ${kind}` }, ...(kind === 'plain' ? [] : [element('small', {}, kind)]), of.trim()),
  );
}

/** What is different in words: taken out, put in, or as it was. */
export function drawChanges(before, after) {
  return globalThis.Diff.diffWordsWithSpace(before, after).map(({ added, removed, value }) =>
    element(added ? 'ins' : removed ? 'del' : 'span', {}, value),
  );
}
