/** How completions and their changes are drawn. All text is text: nothing of a row is ever markup. */

/** @param children texts and nodes @returns {HTMLElement} */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const blocks = /<(think|answer)>([\s\S]*?)(<\/\1>|$)/g;

/** A completion with its chain of thought and its answer set apart, without their tags. */
function completionParts(text) {
  const parts = [];
  let end = 0;
  for (const [whole, kind, inner, closing] of text.matchAll(blocks)) {
    const begin = text.indexOf(whole, end);
    parts.push({ kind: 'plain', text: text.slice(end, begin) });
    parts.push({ kind, label: closing === '' ? `${kind}, without an end` : kind, text: inner });
    end = begin + whole.length;
  }
  parts.push({ kind: 'plain', text: text.slice(end) });
  return parts.filter((part) => part.label !== undefined || part.text.trim() !== '');
}

export function drawCompletion(text) {
  if (text === '') return [element('p', { className: 'text plain empty' }, 'no completion')];
  return completionParts(text).map(({ kind, label, text: of }) =>
    element('div', { className: `text ${kind}` }, ...(label ? [element('small', {}, label)] : []), of.trim()),
  );
}

/** What is different in words: taken out, put in, or as it was. */
export function drawChanges(before, after) {
  return globalThis.Diff.diffWordsWithSpace(before, after).map(({ added, removed, value }) =>
    element(added ? 'ins' : removed ? 'del' : 'span', {}, value),
  );
}
