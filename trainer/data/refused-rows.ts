import { UserError } from '../contract/process/errors.ts';

/** Where so many rows are refused it is the file as a whole that is of another form. */
const most = 1000;
const shown = 5;

/** The rows of a file that cannot be used: whoever mends a file wants to know of all of them, and not of one a run. */
export class RefusedRows {
  #first: UserError | undefined;
  readonly #others: number[] = [];

  /** @throws the error itself where it is about no row, and the message of all where these are enough */
  add(error: unknown, line: number): void {
    if (!(error instanceof UserError)) throw error;
    if (this.#first === undefined) this.#first = error;
    else this.#others.push(line);
    if (this.#others.length + 1 === most) this.throwIfAny();
  }

  /** @throws UserError the first one's message, with the places of the others */
  throwIfAny(): void {
    if (this.#first === undefined) return;
    const count = this.#others.length;
    if (count === 0) throw this.#first;
    const rows = `${count}${count + 1 === most ? ' or more' : ''} other ${count === 1 ? 'row is' : 'rows are'} refused`;
    const places = `${this.#others.slice(0, shown).join(', ')}${count > shown ? ' …' : ''}`;
    throw new UserError(`${this.#first.message} (${rows}, too: ${places})`);
  }
}
