import type { DatasetSettings, Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { firstFields } from '../../data/columns/first-fields.ts';
import { columnHint } from '../../data/columns/column-hint.ts';
import { namesOf } from '../../data/columns/fields.ts';

/** Notes which datasets have a row that can be graded, while all rows are looked at. */
export class Gradable {
  /** By dataset: whether a reasoning row with an answer was seen, of those with a reasoning row. */
  readonly #seen = new Map<string, boolean>();

  see({ dataset, domain, answer }: Row): void {
    if (domain === 'reasoning') this.#seen.set(dataset, this.#seen.get(dataset) === true || answer !== undefined);
  }

  /**
   * Refuses datasets of which no row can be graded: a stage would sample for hours and learn nothing from them.
   *
   * @param what where the manifest names them
   * @throws UserError with the fields that a row has instead
   */
  async require(datasets: readonly DatasetSettings[], what: string): Promise<void> {
    for (const [name, gradable] of this.#seen) {
      if (gradable) continue;
      const { file } = datasets.find((dataset) => dataset.name === name) ?? {};
      // oxlint-disable-next-line no-await-in-loop -- the first one throws
      const fields = file === undefined ? {} : await firstFields(file);
      const found = file === undefined ? '' : `; found ${namesOf(fields)}${columnHint(fields, 'answer', [])}`;
      throw new UserError(`${what}: no row of dataset ${name} has an answer that could be graded${found}`);
    }
  }
}
