// Runs in the browser: draws a chart into every `.plot` once it comes into view, in the colours of the page.
const charts = JSON.parse(document.querySelector('#charts').textContent);
const drawn = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const palette = () => [1, 2, 3, 4, 5, 6].map((n) => colour(`--series-${n}`));

/** Centred mean over about a twentieth of the run. */
function smoothed(values) {
  const half = Math.max(1, Math.round(values.length / 40));
  return values.map((_, i) => {
    const part = values.slice(Math.max(0, i - half), i + half + 1);
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}

const isNoisy = ({ sparse, values }) => !sparse && values.length >= 60;

/** The curves of one line as uPlot takes them: what is faint, what is bold, where its error band ends. */
function curvesOf(line, stroke) {
  const at = (values) => [line.steps, values];
  const companion = { class: 'companion', points: { show: false } };
  const bold = { label: line.label, stroke, width: 2, spanGaps: line.sparse, value: (_, value) => show(value) };
  if (isNoisy(line)) {
    return [
      { table: at(line.values), series: { ...companion, stroke, width: 1, alpha: 0.25 } },
      { table: at(smoothed(line.values)), series: { ...bold, points: { show: false } } },
    ];
  }
  const points = { show: line.sparse || line.values.length < 2, size: 6, fill: stroke };
  const curves = [{ table: at(line.values), series: { ...bold, points } }];
  if (line.errors) {
    for (const sign of [1, -1]) {
      const edge = line.values.map((value, i) => value + sign * line.errors[i]);
      curves.push({ table: at(edge), series: { ...companion, stroke, width: 0, spanGaps: true } });
    }
  }
  return curves;
}

function show(value) {
  if (value === null || value === undefined) return '';
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
}

/** Distances between ticks of the axis of steps. */
const wholeSteps = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power));

/** Room above and below an axis from 0 to 1, so that a curve at its end is seen. */
const room = 0.02;

/** Ends of an axis around the values; of a curve that is 0 throughout, those of a rate: nothing tells how large it could be. */
function rangeOf(_, low, high) {
  return low === 0 && high === 0 ? [-room, 1 + room] : uPlot.rangeNum(low, high, 0.1, true);
}

function draw(element) {
  const { chart, group } = charts[Number(element.dataset.chart)];
  const colours = palette();
  const curves = chart.lines.flatMap((line, i) => curvesOf(line, colours[i % colours.length]));
  const bands = [];
  chart.lines.reduce((at, line, i) => {
    const count = curvesOf(line, '').length;
    if (line.errors) bands.push({ series: [at + 1, at + 2], fill: `${colours[i % colours.length]}33` });
    return at + count;
  }, 1);
  const axis = { stroke: colour('--ink-soft'), font: '11px system-ui', grid: { stroke: colour('--line'), width: 1 } };
  const [low, high] = chart.range ?? [];
  const options = {
    width: element.clientWidth,
    height: 190,
    padding: [8, 20, 0, 0], // half of the last step stands beside its line: 10,000
    legend: { show: true, live: true },
    cursor: { y: false, sync: { key: group }, points: { size: 6 }, drag: { x: true, y: false } },
    scales: {
      x: { time: false },
      y: { range: chart.range ? [low - room, high + room] : rangeOf },
    },
    axes: [
      { ...axis, ticks: { show: false }, size: 26, space: 60, incrs: wholeSteps },
      { ...axis, ticks: { show: false }, size: 48, space: 32, values: (_, values) => values.map(show) },
    ],
    series: [{ label: 'step', value: (_, value) => show(value) }, ...curves.map(({ series }) => series)],
    bands,
    hooks: {
      // The legend shows steps and values only while the cursor is over a chart of the stage.
      setCursor: [(plot) => plot.root.classList.toggle('live', plot.cursor.idx !== null && plot.cursor.left >= 0)],
    },
  };
  const data = uPlot.join(
    curves.map(({ table }) => table),
    curves.map(() => [0, 1]),
  );
  drawn.get(element)?.destroy();
  drawn.set(element, new uPlot(options, data, element));
}

const seen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting && !drawn.has(target)) draw(target);
    }
  },
  { rootMargin: '400px' },
);
const sized = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.clientWidth > 0) drawn.get(target)?.setSize({ width: target.clientWidth, height: 190 });
  }
});
for (const element of document.querySelectorAll('.plot')) {
  seen.observe(element);
  sized.observe(element);
}
const redraw = () => [...drawn.keys()].forEach(draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
// Paper shows every chart, seen or not.
addEventListener('beforeprint', () => document.querySelectorAll('.plot').forEach(draw));
