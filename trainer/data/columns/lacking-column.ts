import { BadLine } from '../files/bad-line.ts';
import type { Column } from './column-hint.ts';
import type { Fields } from './fields.ts';

/** A row lacks a column; whoever reads the file adds where it could be read from. */
export class LackingColumn extends BadLine {
  readonly column: Column;
  readonly fields: Fields;

  constructor(message: string, column: Column, fields: Fields) {
    super(message);
    this.column = column;
    this.fields = fields;
  }
}
