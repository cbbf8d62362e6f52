import type { RunState } from './run-state.ts';

/** Shows a run while it goes on. */
export interface Display {
  update(run: RunState): void;
  /** Something that stays on the screen, such as that Ctrl-C was seen. */
  note(text: string): void;
  end(): void;
}
