import type { Display } from './display.ts';
import { liveDisplay } from './live.ts';
import { plainDisplay } from './plain.ts';

/** Drawn in place on a terminal, lines elsewhere. */
export function displayOn(stream: NodeJS.WriteStream): Display {
  return stream.isTTY ? liveDisplay(stream) : plainDisplay((line) => stream.write(`${line}\n`));
}
