import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { lackingColumns } from '../../rewards/modules/needed-columns.ts';

/** Notes what columns there are for functions of one's own, while all rows are looked at. */
export class FurtherColumns {
  readonly #seen = new Set<string>();

  see({ columns = {} }: Row): void {
    for (const name of Object.keys(columns)) this.#seen.add(name);
  }

  /**
   * Refuses a function that no row could be given to as it asks.
   *
   * @param needed columns by the file with the function
   * @param what where the manifest names the rows
   * @throws UserError
   */
  require(needed: ReadonlyMap<string, readonly string[]>, what: string): void {
    for (const [file, columns] of needed) {
      const problem = lackingColumns(file, columns, this.#seen, what);
      if (problem !== undefined) throw new UserError(problem);
    }
  }
}
