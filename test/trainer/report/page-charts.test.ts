import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { expect, test } from '@jest/globals';

/** The script of the page, in a browser that shows nothing yet. */
function pageScript(): { rangeOf(plot: unknown, low: number, high: number): [number, number] } {
  const nothing = class {
    observe(): void {}
  };
  const page = createContext({
    document: { querySelector: () => ({ textContent: '[]' }), querySelectorAll: () => [] },
    uPlot: { rangeNum: (low: number, high: number) => [low, high] },
    IntersectionObserver: nothing,
    ResizeObserver: nothing,
    matchMedia: () => ({ addEventListener: () => undefined }),
    addEventListener: () => undefined,
  });
  runInContext(readFileSync(new URL('../../../trainer/report/page/charts.js', import.meta.url), 'utf8'), page);
  return page as ReturnType<typeof pageScript>;
}

test.each([
  { name: 'a curve that is 0 throughout', values: [0, 0], ends: [-0.02, 1.02] },
  { name: 'any other', values: [0, 1e-6], ends: [0, 1e-6] },
])('the axis of $name goes from $ends.0 to $ends.1', ({ values: [low = 0, high = 0], ends }) => {
  expect([...pageScript().rangeOf(undefined, low, high)]).toEqual(ends);
});
