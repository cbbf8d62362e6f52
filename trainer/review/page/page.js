import { Store } from './store.js';
import { drawPage, filters, shownRows } from './draw.js';
import { drawChanges, element } from './text.js';

const at = (id) => document.getElementById(id);
const store = new Store(decodeURIComponent(location.hash.slice(1)));
const view = { id: undefined, filter: 'todo', editing: false, asked: undefined, notice: '', checks: 0 };

const keys = [
  { key: 'a', word: 'accept', main: true, run: () => decide('accept') },
  { key: 'e', word: 'edit', main: true, run: startEdit },
  { key: 'r', word: 'reject', main: true, run: () => decide('reject') },
  { key: 'c', word: 'comment', main: true, run: () => at('comment').focus() },
  { key: 'j', word: 'next row', main: true, others: ['ArrowDown'], run: () => step(1) },
  { key: 'k', word: 'row before', main: true, others: ['ArrowUp'], run: () => step(-1) },
  { key: 'n', word: 'next row to decide', main: true, run: () => goToNext() },
  { key: 'd', word: 'next disputed row', run: () => goToNext((row) => store.stateOf(row) === 'disputed') },
  { key: 'f', word: 'rows to decide, disputed ones, all', run: nextFilter },
  { key: 'w', word: 'who decides here', run: askName },
  { key: '?', word: 'all keys', run: () => at('help').showModal() },
];

function rowOf(id) {
  return store.rows.find((row) => row.id === id);
}

function draw() {
  const hints = view.editing
    ? [
        { key: 'Ctrl+Enter', word: 'save the edit', run: saveEdit },
        { key: 'Esc', word: 'leave it', run: endEdit },
      ]
    : keys.filter(({ main }) => main);
  drawPage(store, view, { select, hints, showOnly });
}

function showOnly(filter) {
  view.filter = filter;
  draw();
}

function select(id) {
  if (id === undefined || id === view.id) return;
  Object.assign(view, { id, editing: false, asked: undefined, notice: '' });
  store.current = id;
  draw();
  at('comment').value = store.mine(id)?.comment ?? '';
  document.querySelector('main').scrollTop = 0;
  document.querySelector('#rows [aria-current]')?.scrollIntoView({ block: 'nearest' });
}

function step(by) {
  const rows = shownRows(store, view);
  const place = rows.findIndex(({ id }) => id === view.id);
  select(rows[Math.min(rows.length - 1, Math.max(0, place + by))]?.id);
}

/** The next such row behind this one, or from the first on. */
function goToNext(isWanted = (row) => store.isToDo(row)) {
  const place = store.rows.findIndex(({ id }) => id === view.id);
  const around = [...store.rows.slice(place + 1), ...store.rows.slice(0, place)];
  const next = around.find(isWanted);
  if (next) select(next.id);
  else draw();
}

function nextFilter() {
  const names = Object.keys(filters);
  showOnly(names[(names.indexOf(view.filter) + 1) % names.length]);
}

async function decide(decision, completion) {
  const row = rowOf(view.id);
  if (!row) return;
  if (!store.reviewer) return askName();
  const others = store.rows.filter(({ id }) => id !== row.id);
  const isLast = store.stateOf(row) !== 'settled' && others.every((other) => store.stateOf(other) === 'settled');
  if (isLast && (row.readers === 1 || store.standings.has(row.id)) && view.asked !== decision) {
    view.asked = decision;
    const key = decision === 'edit' ? 'Ctrl+Enter' : decision[0];
    view.notice = `This is the last row: once it is decided the review ends and the pipeline goes on. Press ${key} again.`;
    return draw();
  }
  const comment = at('comment').value.trim();
  const made = { id: row.id, decision, reviewer: store.reviewer };
  const told = store.decide({ ...made, ...(completion !== undefined && { completion }), ...(comment && { comment }) });
  if (decision === 'edit' && store.online) {
    const refused = await told;
    view.checks++; // what was said of it before is out of date
    if (refused) return showCheck({ outcome: 'wrong', words: refused });
  }
  Object.assign(view, { editing: false, notice: '' });
  goToNext();
  document.querySelector('main').focus();
}

function startEdit() {
  const row = rowOf(view.id);
  if (!row) return;
  const draft = store.refused.get(row.id)?.made.completion ?? store.mine(row.id)?.completion;
  view.editing = true;
  at('text').value = draft ?? row.completion;
  draw();
  at('text').focus();
  at('text').setSelectionRange(0, 0);
  at('text').scrollTop = 0;
  void look();
}

function endEdit() {
  Object.assign(view, { editing: false, asked: undefined, notice: '' });
  draw();
  document.querySelector('main').focus();
}

function saveEdit() {
  const row = rowOf(view.id);
  const completion = at('text').value;
  if (completion === row.completion)
    return showCheck({ outcome: 'none', words: 'nothing is changed: Esc, then a accepts it' });
  void decide('edit', completion);
}

/** Shows what an edit changes, and what the verifier says of it. */
async function look() {
  const row = rowOf(view.id);
  const completion = at('text').value;
  at('changes').replaceChildren(...drawChanges(row.completion, completion));
  const check = ++view.checks;
  await new Promise((resolve) => void setTimeout(resolve, 250));
  if (check !== view.checks) return;
  const found = await store.check(row.id, completion);
  if (check === view.checks)
    showCheck(found ?? { outcome: 'none', words: 'no connection: it is verified once there is one' });
}

function showCheck({ outcome, words: said }) {
  at('check').className = outcome;
  at('check').textContent = { correct: '✓ the answer is correct: ', wrong: '✗ ', none: '' }[outcome] + said;
}

function askName() {
  at('name').value = store.reviewer;
  at('who').showModal();
  at('name').select();
}

document.addEventListener('keydown', (event) => {
  if (document.querySelector('dialog[open]')) return;
  const { target, key } = event;
  if (target.id === 'text') {
    if (key === 'Escape') endEdit();
    if (key === 'Enter' && (event.ctrlKey || event.metaKey)) saveEdit();
    return;
  }
  if (target.id === 'comment') {
    if (key === 'Escape' || key === 'Enter') target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || view.editing) return;
  const found = keys.find((each) => each.key === key || each.others?.includes(key));
  if (!found) return;
  event.preventDefault();
  found.run();
});
/** A comment on what was decided is a decision anew, with other words. */
at('comment').addEventListener('change', () => {
  const mine = store.mine(view.id);
  const comment = at('comment').value.trim();
  if (mine && !view.editing && (mine.comment ?? '') !== comment)
    void store.decide({
      id: mine.id,
      decision: mine.decision,
      reviewer: mine.reviewer,
      ...(mine.decision === 'edit' && { completion: mine.completion }),
      ...(comment && { comment }),
    });
});
at('text').addEventListener('input', () => void look());
at('reviewer').addEventListener('click', askName);
at('keys').addEventListener('click', () => at('help').showModal());
at('who').addEventListener('close', () => {
  if (at('name').value.trim() === '') return store.reviewer || askName();
  store.reviewer = at('name').value;
  view.asked = undefined;
  draw();
});
at('all-keys').replaceChildren(
  ...keys.flatMap(({ key, word, others = [] }) => [
    element('dt', {}, ...[key, ...others].map((each) => element('kbd', {}, each))),
    element('dd', {}, word),
  ]),
);
store.addEventListener('change', draw);
globalThis.addEventListener('online', () => void store.flush());

await store.load();
const last = rowOf(store.current);
select((last && store.isToDo(last) ? last : store.rows.find((row) => store.isToDo(row)))?.id);
draw();
if (!store.reviewer && !store.problem) askName();
await navigator.serviceWorker?.register('/offline.js').catch(() => undefined);
