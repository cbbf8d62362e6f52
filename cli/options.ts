import { InvalidArgumentError, Option } from 'commander';

/** Where `r1 run` keeps what it did. */
export function stateOption(): Option {
  return new Option('--state <dir>', 'directory of the local state').default('.r1').env('R1_STATE').argParser(stateOf);
}

/** An unset variable of a script must not stand for the present directory. */
function stateOf(text: string): string {
  if (text === '' || text.includes('\0')) throw new InvalidArgumentError('expected a directory, found an empty text.');
  return text;
}

export interface StateOption {
  readonly state: string;
}

/** Parser of an option that may be repeated. */
export function repeatable(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** The largest count of a manifest. */
const mostOfAll = 1_000_000_000;

/** Parser of a whole number option, with the bounds that a count has in a manifest. */
export function integerFrom(least: number, most = mostOfAll): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Parser of a seed, as a manifest has one. */
export const seed = integerFrom(0, 2_147_483_647);

/** Parser of a number option with both ends allowed. */
export function numberWithin(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= low && value <= high)) {
      throw new InvalidArgumentError(`expected a number from ${low} to ${high}.`);
    }
    return value;
  };
}
