import { drawChanges, drawCompletion, element } from './text.js';

const at = (id) => document.getElementById(id);

export const filters = {
  todo: { word: 'To decide', has: (row, store) => store.isToDo(row) },
  disputed: { word: 'Disputed', has: (row, store) => store.stateOf(row) === 'disputed' },
  all: { word: 'All', has: () => true },
};
const marks = { open: '', settled: '✓', waiting: '…', disputed: '≠', refused: '!' };
const words = { accept: 'accepted', edit: 'edited', reject: 'rejected' };
const stateWords = {
  open: 'not decided',
  settled: 'decided',
  waiting: 'waits for a second reader',
  disputed: 'readers disagree',
  refused: 'the edit was refused',
};

/**
 * Draws everything anew but what a person is writing.
 *
 * @param actions what a click does: `select` a row, `showOnly` the rows of a filter, and the `hints` of the keys that count now
 */
export function drawPage(store, view, { select, showOnly, hints }) {
  drawHeader(store);
  drawNotice(store, view);
  drawFilters(store, view, showOnly);
  drawRows(store, view, select);
  drawRow(store, view);
  at('hints').replaceChildren(...hints.map(hint));
}

export function shownRows(store, view) {
  const { has } = filters[view.filter];
  return store.rows.filter((row) => has(row, store) || row.id === view.id);
}

function drawHeader(store) {
  const { summary, pipeline, stage } = store;
  at('title').textContent = stage ? `${pipeline}/${stage}` : 'Review';
  document.title = stage ? `Review of ${pipeline}/${stage}` : 'Review';
  const total = store.rows.length;
  const settled = store.rows.filter((row) => store.stateOf(row) === 'settled').length;
  const bar = at('progress');
  bar.ariaValueMax = String(total);
  bar.ariaValueNow = String(settled);
  bar.firstElementChild.style.width = `${total === 0 ? 0 : (100 * settled) / total}%`;
  const { edited = 0, rejected = 0 } = summary?.metrics ?? {};
  const disputed = store.rows.filter((row) => store.stateOf(row) === 'disputed').length;
  const figures = [`${settled} of ${total} decided`, `${edited} edited`, `${rejected} rejected`];
  if (disputed > 0) figures.push(`${disputed} disputed`);
  at('summary').textContent = total === 0 ? '' : figures.join(' · ');
  const { kappa, agreement, pairs = [] } = summary?.agreement ?? {};
  const rows = pairs.reduce((sum, pair) => sum + pair.rows, 0);
  const kappaWords = kappa === undefined ? '' : `κ ${kappa.toFixed(2)} · `;
  at('agreement').textContent =
    agreement === undefined ? '' : `${kappaWords}${Math.round(100 * agreement)}% agree on ${rows} read twice`;
  at('agreement').title = pairs
    .map(
      ({ reviewers, rows: of, kappa: k }) =>
        `${reviewers.join(' and ')}: ${of} rows, κ ${k?.toFixed(3) ?? 'undefined'}`,
    )
    .join('\n');
  const waiting = store.pending.length;
  at('connection').className = store.online ? (waiting > 0 ? 'busy' : 'good') : 'away';
  at('connection').textContent = store.online
    ? waiting > 0
      ? `saving ${waiting}`
      : 'all saved'
    : `offline${waiting > 0 ? `: ${waiting} kept here` : ''}`;
  at('reviewer').textContent = store.reviewer || 'your name?';
}

function drawNotice(store, view) {
  const isLeft = store.rows.some((row) => store.isToDo(row));
  const done = store.complete
    ? 'The review is complete: the pipeline goes on. This page can be closed.'
    : store.problem;
  const text = done ?? (view.notice || (store.summary && !isLeft ? doneWords(store) : ''));
  if (at('notice').textContent !== text) at('notice').textContent = text;
  at('notice').hidden = text === '';
}

function drawFilters(store, view, showOnly) {
  at('filters').replaceChildren(
    ...Object.entries(filters).map(([name, { word, has }]) =>
      element(
        'button',
        {
          type: 'button',
          role: 'tab',
          ariaSelected: String(name === view.filter),
          onclick: () => showOnly(name),
        },
        `${word} ${store.rows.filter((row) => has(row, store)).length}`,
      ),
    ),
  );
}

function drawRows(store, view, select) {
  at('rows').replaceChildren(
    ...shownRows(store, view).map((row) => {
      const state = store.stateOf(row);
      const question = row.messages.findLast(({ role }) => role === 'user')?.content ?? row.completion;
      const button = element(
        'button',
        { type: 'button', className: state, title: `${row.id}: ${stateWords[state]}`, onclick: () => select(row.id) },
        element('span', { className: 'mark' }, marks[state] || '·'),
        element('span', { className: 'question' }, question.slice(0, 200)),
      );
      if (row.id === view.id) button.ariaCurrent = 'true';
      return element('li', {}, button);
    }),
  );
}

function drawRow(store, view) {
  const row = store.rows.find(({ id }) => id === view.id);
  at('row').hidden = !row;
  if (!row) return;
  const state = store.stateOf(row);
  const place = `${store.rows.indexOf(row) + 1} of ${store.rows.length}`;
  const about = [place, row.id, row.readers === 2 ? 'read by two' : '', stateWords[state]].filter(Boolean);
  at('about').replaceChildren(...about.flatMap((text, index) => (index > 0 ? [' · ', text] : [text])));
  at('prompt').replaceChildren(
    ...row.messages.map(({ role, content }) =>
      element('div', { className: 'text message' }, element('small', {}, role), content),
    ),
    ...(row.answer
      ? [element('p', { className: 'gold' }, element('small', {}, 'gold answer'), element('code', {}, row.answer.gold))]
      : []),
  );
  at('editor').hidden = !view.editing;
  at('versions').hidden = view.editing;
  if (!view.editing) at('versions').replaceChildren(...versionsOf(store, row));
}

/** The completion, and what people have made of it. */
function versionsOf(store, row) {
  const mine = store.mine(row.id);
  const refused = store.refused.get(row.id);
  const made = [...(mine ? [mine] : []), ...store.others(row.id)];
  const version = (each) =>
    element(
      'div',
      { className: `version ${each.decision}` },
      element(
        'p',
        {},
        element('b', {}, each.reviewer === store.reviewer ? `you (${each.reviewer})` : each.reviewer),
        ` ${words[each.decision]}${each.comment ? `: ${each.comment}` : ''}`,
      ),
      ...(each.decision === 'edit'
        ? [element('div', { className: 'text changes' }, ...drawChanges(row.completion, each.completion))]
        : []),
    );
  const refusal =
    refused && element('p', { className: 'refusal' }, `Not taken: ${refused.error}. e goes on with the edit.`);
  return [...(refusal ? [refusal] : []), ...made.map(version), ...drawCompletion(row.completion)];
}

function doneWords(store) {
  const disputed = store.rows.filter((row) => store.stateOf(row) === 'disputed').length;
  if (disputed > 0)
    return `Nothing is left to decide but ${disputed} disputed ${disputed === 1 ? 'row' : 'rows'}: d shows the next.`;
  const waiting = store.rows.filter((row) => store.stateOf(row) === 'waiting').length;
  return waiting > 0 ? `You are done. ${waiting} rows wait for a second reader.` : 'You are done.';
}

function hint({ key, word, run }) {
  return element('button', { type: 'button', onclick: () => void run() }, element('kbd', {}, key), ` ${word}`);
}
