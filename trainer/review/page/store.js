/**
 * What the page knows and what it still has to tell the server. Decisions are kept in the browser until the server has
 * taken them, over any number of reloads; nothing is lost while it is away.
 */
const retryMs = 2000;
const lookMs = 5000;

export class Store extends EventTarget {
  #token;
  #flushing;
  /** @type {{id: string, messages: {role: string, content: string}[], completion: string, readers: number}[]} */
  rows = [];
  standings = new Map();
  summary = undefined;
  complete = false;
  online = true;
  /** Why nothing can be shown, in words. */
  problem = undefined;

  constructor(token) {
    super();
    this.#token = token;
    this.pending = this.#kept('pending', []);
    this.refused = new Map(this.#kept('refused', []));
  }

  get reviewer() {
    return localStorage.getItem('reviewer') ?? '';
  }

  set reviewer(name) {
    localStorage.setItem('reviewer', name.trim());
    void this.look();
  }

  /** The row that was last looked at. */
  get current() {
    return this.#kept('current', undefined);
  }

  set current(id) {
    this.#keep('current', id);
  }

  async load() {
    try {
      const answer = await this.#ask('/api/rows');
      Object.assign(this, { pipeline: answer.pipeline, stage: answer.stage, rows: answer.rows });
    } catch (error) {
      this.problem = error.message;
    }
    await this.look();
    setInterval(() => void (this.pending.length > 0 ? this.flush() : undefined), retryMs);
    setInterval(() => void this.look(), lookMs);
  }

  async look() {
    if (this.complete) return;
    try {
      this.#take(await this.#ask(`/api/standings?reviewer=${encodeURIComponent(this.reviewer)}`));
    } catch {
      this.#changed();
    }
  }

  /** What this reviewer decided on a row, whether the server knows it or not. */
  mine(id) {
    return (
      this.pending.find((each) => each.id === id && each.reviewer === this.reviewer) ?? this.standings.get(id)?.mine
    );
  }

  others(id) {
    return this.standings.get(id)?.others ?? [];
  }

  /** open: it waits for this reviewer; waiting: for another one; refused, disputed, settled. */
  stateOf({ id, readers }) {
    if (this.refused.has(id)) return 'refused';
    const known = this.standings.get(id);
    if (known?.state === 'settled') return 'settled';
    const mine = this.mine(id);
    if (known?.state === 'disputed') return 'disputed';
    if (!mine) return 'open';
    return readers === 1 ? 'settled' : 'waiting';
  }

  /** Whether this reviewer has something to do with a row. */
  isToDo(row) {
    const state = this.stateOf(row);
    return state === 'open' || state === 'refused' || (state === 'disputed' && !this.mine(row.id));
  }

  /** @returns {Promise<string | undefined>} why the server does not take it, in words */
  async decide(made) {
    this.pending = this.pending.filter(({ id, reviewer }) => id !== made.id || reviewer !== made.reviewer);
    this.pending.push({ ...made, time: new Date().toISOString() });
    this.refused.delete(made.id);
    this.#keepAll();
    this.#changed();
    await this.flush();
    return this.refused.get(made.id)?.error;
  }

  flush() {
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = undefined));
    return this.#flushing;
  }

  async #flush() {
    while (this.pending.length > 0) {
      const [made] = this.pending;
      try {
        this.#take(await this.#ask('/api/decisions', made));
      } catch (error) {
        if (error.status !== 422 && error.status !== 400) return this.#changed(); // later
        this.refused.set(made.id, { error: error.message, made });
      }
      this.pending = this.pending.filter((each) => each !== made);
      this.#keepAll();
      this.#changed();
    }
  }

  /** What the verifier says of a new completion; undefined while the server is away. */
  async check(id, completion) {
    try {
      return await this.#ask('/api/check', { id, completion });
    } catch {
      return undefined;
    }
  }

  #take({ rows, summary, complete }) {
    this.standings = new Map(rows.map((row) => [row.id, row]));
    Object.assign(this, { summary, complete });
    this.#changed();
  }

  async #ask(path, body) {
    const headers = { authorization: `Bearer ${this.#token}` };
    const post = body && { method: 'POST', body: JSON.stringify(body) };
    let response;
    try {
      response = await fetch(path, { headers, ...post });
    } catch (error) {
      this.online = false;
      throw error;
    }
    this.online = !response.headers.has('x-kept');
    const answer = await response.json();
    if (response.ok) return answer;
    const why =
      response.status === 401 ? 'This address has another token now: open the one that r1 prints.' : answer.error;
    if (response.status === 401) this.problem = why;
    throw Object.assign(new Error(why), { status: response.status });
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #keepAll() {
    this.#keep('pending', this.pending);
    this.#keep('refused', [...this.refused]);
  }

  #keep(name, value) {
    localStorage.setItem(`${this.#token} ${name}`, JSON.stringify(value));
  }

  #kept(name, otherwise) {
    const kept = localStorage.getItem(`${this.#token} ${name}`);
    return kept === null || kept === 'undefined' ? otherwise : JSON.parse(kept);
  }
}
