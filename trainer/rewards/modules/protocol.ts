import type { Row } from '../../contract/settings/dataset.ts';
import type { Score } from '../score.ts';

/** What a reward of one's own is told of a completion. */
export interface Sample {
  /** The whole response. */
  readonly completion: string;
  /** The gold answer of the row; absent where it has none. */
  readonly answer?: string;
  /** All messages of the prompt as one text. */
  readonly prompt: string;
  readonly row: Row;
}

/** What is loaded once, before any samples. */
export interface Source {
  readonly source: string;
  readonly name: string;
  /** Of a module: whether it has types. */
  readonly strip?: boolean;
  /** Of a file in Python: which of its functions is meant. */
  readonly function?: string;
}

/** To the sandbox. */
export type Order = Source | { readonly samples: readonly Sample[] };

/** From the sandbox: of `grade` a score as soon as it is known, of `gradeBatch` all at once. */
export type Answer =
  | {
      readonly loaded: 'grade' | 'gradeBatch';
      /** Columns of the data that it cannot be called without. */
      readonly columns?: readonly string[];
    }
  /** Why the file cannot be used. */
  | { readonly refused: string }
  | { readonly scores: readonly Score[] };
