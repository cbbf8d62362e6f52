import { createLogUpdate } from 'log-update';
import type { Display } from './display.ts';
import { type RunState, stageStates } from './run-state.ts';
import { stageList } from './stage-list.ts';

const redrawMs = 250;

/** Draws the list of stages in place on a terminal. */
export function liveDisplay(stream: NodeJS.WriteStream): Display {
  const draw = createLogUpdate(stream, { showCursor: true });
  let run: RunState | undefined;
  const redraw = (): void => {
    if (run) draw(stageList(run, Date.now(), stream.columns || 80));
  };
  // By the clock and not by the events: times go on, and a fast stage must not flicker.
  const timer = setInterval(redraw, redrawMs);
  return {
    update(next) {
      run = next;
    },
    note(text) {
      draw.clear();
      stream.write(`${text}\n`);
      redraw();
    },
    end() {
      clearInterval(timer);
      draw.clear(); // the summary takes its place
      draw.done();
      for (const { name, warnings } of run ? stageStates(run, Date.now()) : []) {
        for (const { reason, message } of warnings) stream.write(`${name}: warning (${reason}): ${message}\n`);
      }
    },
  };
}
