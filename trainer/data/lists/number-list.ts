/** A growing list of numbers at 8 bytes each: offsets and places of a million rows take 8 MB, an array of objects 100. */
export class NumberList {
  length = 0;
  private values = new Float64Array(1024);

  push(value: number): void {
    if (this.length === this.values.length) {
      const grown = new Float64Array(2 * this.values.length);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.length++] = value;
  }

  at(index: number): number | undefined {
    return index < this.length ? this.values[index] : undefined;
  }
}
