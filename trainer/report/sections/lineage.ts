import { shortDigest } from '../format.ts';
import { type Html, html } from '../html.ts';
import { type PipelineRecord, type StageRecord, isNotReviewed } from '../record.ts';
import { stateMark } from './overview.ts';

interface Edge {
  readonly from: number;
  readonly to: number;
  /** model: its weights are where the stage starts; data: its rows or scores are used. */
  readonly kind: 'model' | 'data';
}

const rowHeight = 46;
const laneWidth = 13;

/** Which stage went on from which, with the digests that were pinned, the gates, and what no person has reviewed. */
export function lineage({ stages }: PipelineRecord): Html {
  const edges = edgesOf(stages);
  const lanes = lanesOf(edges);
  const width = 24 + laneWidth * Math.max(1, ...lanes.map((lane) => lane + 1));
  return html`<section id="lineage">
    <h2>Lineage</h2>
    <p class="note">
      <span class="key model"></span> weights, <span class="key data"></span> rows or scores, from the stage above to
      the stage below. A digest is the SHA-256 of the checkpoint's manifest, which lists the SHA-256 of every file;
      <code>r1 verify</code> compares all of them.
    </p>
    <div class="scroll lineage">
      <table style="--row:${rowHeight}px">
        <thead>
          <tr>
            <th style="min-width:${width}px"><span class="visually-hidden">Graph</span></th>
            <th>Stage</th>
            <th>Weights from</th>
            <th>Rows from</th>
            <th>Digest</th>
            <th>Parent digest</th>
            <th>Gate</th>
          </tr>
        </thead>
        <tbody>
          ${stages.map(
            (stage, row) =>
              html`<tr>
                ${row === 0 && html`<td class="graph" rowspan="${stages.length}">${graph(stages, edges, lanes, width)}</td>`}
                ${lineageCells(stage, stages)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function lineageCells(stage: StageRecord, stages: readonly StageRecord[]): Html {
  const { checkpoint } = stage;
  return html`<th scope="row">
      <a href="#stage-${stage.name}">${stage.name}</a>
      ${reviewMark(stage)}
    </th>
    <td>${stage.model ?? '–'}</td>
    <td>${stage.inputs.length > 0 ? stage.inputs.join(', ') : '–'}</td>
    <td>${checkpoint ? digest(checkpoint.digest, checkpoint.matches ? 'good' : 'bad') : '–'}</td>
    <td>${parentDigest(stage, stages)}</td>
    <td>${gateCell(stage)}</td>`;
}

/** Rows are called reviewed only with the name of a person. */
function reviewMark(stage: StageRecord): Html | undefined {
  if (isNotReviewed(stage)) return html`<span class="state warn">not reviewed</span>`;
  const reviewers = stage.review?.reviewers ?? [];
  return reviewers.length > 0 ? html`<small>reviewed by ${reviewers.join(', ')}</small>` : undefined;
}

function gateCell({ gate }: StageRecord): Html {
  if (!gate) return html`–`;
  return html`<span title="${gate.message}">${gate.rule}</span><br />${stateMark(gate.action ?? 'not decided')}`;
}

/** The digest that the stage was given, and whether the parent's checkpoint still has it. */
function parentDigest({ checkpoint }: StageRecord, stages: readonly StageRecord[]): Html {
  const parent = checkpoint?.manifest?.parent;
  if (!parent) return html`–`;
  const now = stages.find(({ name }) => name === parent.stage)?.checkpoint?.digest;
  return digest(parent.digest, now === parent.digest ? 'good' : 'bad');
}

function digest(value: string, kind: 'good' | 'bad'): Html {
  const says = kind === 'good' ? 'matches' : 'does not match what lies on disk';
  return html`<code title="${value} ${says}">${shortDigest(value)}</code>
    <span class="check ${kind}" title="${says}">${kind === 'good' ? '✓' : '✗'}</span>`;
}

function edgesOf(stages: readonly StageRecord[]): Edge[] {
  const rowOf = new Map(stages.map(({ name }, row) => [name, row]));
  return stages.flatMap(({ model, inputs }, to) => {
    const sources = model === undefined ? [] : [{ name: model, kind: 'model' as const }];
    const data = inputs.filter((name) => name !== model).map((name) => ({ name, kind: 'data' as const }));
    return [...sources, ...data].flatMap(({ name, kind }) => {
      const from = rowOf.get(name);
      return from === undefined ? [] : [{ from, to, kind }];
    });
  });
}

/** A lane for every edge, the short ones nearest to the stages; edges of one source and kind share theirs. */
function lanesOf(edges: readonly Edge[]): number[] {
  const span = ({ from, to }: Edge): number => to - from;
  const reach = (edge: Edge): number =>
    Math.max(...edges.filter(({ from, kind }) => from === edge.from && kind === edge.kind).map(span));
  const groups = [...new Set(edges.map((edge) => `${edge.kind} ${edge.from}`))]
    .map((key) => ({ key, edge: edges.find((edge) => `${edge.kind} ${edge.from}` === key) as Edge }))
    .map(({ key, edge }) => ({ key, from: edge.from, to: edge.from + reach(edge) }))
    .toSorted((a, b) => a.to - a.from - (b.to - b.from));
  const taken: { from: number; to: number }[][] = [];
  const laneOf = new Map<string, number>();
  for (const group of groups) {
    const free = taken.findIndex((lane) => lane.every(({ from, to }) => to <= group.from || from >= group.to));
    const lane = free === -1 ? taken.length : free;
    (taken[lane] ??= []).push(group);
    laneOf.set(group.key, lane);
  }
  return edges.map((edge) => laneOf.get(`${edge.kind} ${edge.from}`) ?? 0);
}

function graph(stages: readonly StageRecord[], edges: readonly Edge[], lanes: readonly number[], width: number): Html {
  const x = width - 14;
  const y = (row: number): number => rowHeight * row + rowHeight / 2;
  // Leaves a stage a little below its middle and enters one a little above, so that a way through can be followed.
  const paths = edges.map(({ from, to, kind }, index) => {
    const left = x - laneWidth * ((lanes[index] ?? 0) + 1);
    const [start, end] = [y(from) + 5, y(to) - 5];
    const r = 7;
    const d = `M${x} ${start}H${left + r}Q${left} ${start} ${left} ${start + r}V${end - r}Q${left} ${end} ${left + r} ${end}H${x - 7}`;
    return html`<path class="${kind}" d="${d}" marker-end="url(#arrow-${kind})" />`;
  });
  return html`<svg width="${width}" height="${rowHeight * stages.length}" role="img" aria-label="Lineage of the stages">
    <defs>
      ${(['model', 'data'] as const).map(
        (kind) =>
          html`<marker
            id="arrow-${kind}"
            viewBox="0 0 6 6"
            refX="4"
            refY="3"
            markerWidth="6"
            markerHeight="6"
            orient="auto"
          >
            <path class="head ${kind}" d="M0 0L6 3L0 6z" />
          </marker>`,
      )}
    </defs>
    ${paths} ${stages.map((_, row) => html`<circle cx="${x}" cy="${y(row)}" r="5.5" />`)}
  </svg>`;
}
