import { expectation } from '../check/expectation.ts';
import { schemaOf } from '../manifest.ts';
import { apiVersion } from '../resources/metadata.ts';
import type { StructuralSchema } from '../check/structural-schema.ts';

const introduction = `# Manifest reference

Generated from the schemas by \`npm run generate\`; do not edit.

A file holds one or more YAML documents of \`apiVersion: ${apiVersion}\`. \`r1 validate FILE\` checks them as an API server
does. Fields in **bold** must be set. The examples in \`examples/\` show how little a real pipeline needs.
`;

const notes = {
  R1Pipeline: `## Changing a pipeline that is under way

A manifest can be applied again at any time. What a change does depends on the field:

| Field | Effect |
|---|---|
| what decides weights or rows: \`seed\`, \`base\`, \`datasets\`, the model and settings of a stage | Stages that have no attempt and no result take it. If a stage has, nothing is changed or thrown away: the condition \`Succeeded\` becomes \`False\` with reason \`StageChanged\` and names the difference, until the settings are restored or the stage runs again. |
| \`evaluation\`, the settings of an \`evaluate\` stage | A finished stage is measured anew on the checkpoint that it has, once no running stage reads it, and its gate judges the new figures. Stages that use the checkpoint are not run again. |
| more \`steps\` or \`epochs\`, and nothing else | A finished stage goes on from where it ended, to the bits of a run that had that length from the beginning; without its optimizer (\`keepOptimizer\`) it does its steps again, and warns. Where the length decides earlier steps (a \`schedule.kind\` other than constant, \`lastSteps\` of a reward) it counts as changed settings. Stages that had used the shorter run's checkpoint count as changed, too. |
| \`checkpointEvery\`, \`keepOptimizer\`, \`completions\` | The next attempt takes it. |
| \`rolloutWorkers\` | On a cluster an attempt that runs gets more or fewer at once, down to none. One that began without any is not listening: the next one gets them. |
| where pods run: \`resources\`, \`nodeSelector\`, \`tolerations\`, \`affinity\`, \`queue\`, \`image\`, \`volumes\`, \`env\`, \`podLabels\` and the like | An attempt that runs goes on as it is; the next one takes it. An attempt that still waits, because no node has what it asks for, is replaced at once. |
| \`suspend\`, \`retry\`, \`budget\`, \`deadlineSeconds\`, \`gate\`, \`ttlSecondsAfterFinished\`, \`ttlSecondsAfterFailed\`, \`storage.retention\` | At once. A changed gate is judged anew. |
| \`storage\` | \`keepLast\` counts from the next attempt. A greater \`size\` lets the claim grow where its storage class can. The rest is read when the volume is made: a claim that was never bound is made anew with it; another \`claimName\` must hold what earlier stages wrote. |

A failed stage is tried again when its manifest is corrected. A new stage may be added. One that is
removed is suspended if it is under way; what it made stays, and it goes on from there when it comes back.

Three annotations are orders to a running pipeline:

| Annotation | |
|---|---|
| \`r1.dev/approved: NAME,NAME\` | Opens the gates of these stages that wait for a person. \`approved-by.r1.dev/NAME\` beside it names who approved, and \`kubectl r1 approve\` sets both; it can only be one's own name, and is kept in \`status.gates\`; without it, the field manager is kept that set the annotation, such as \`kubectl-annotate\`, and when. |
| \`r1.dev/rerun-from: NAME,NAME\` | Deletes these stages and all that use what they give, and runs them again with the settings of now; their approvals no longer count. It removes itself. |
| \`r1.dev/forgiven-attempts: "N"\`, on an R1Stage | Attempts up to this number no longer count against \`retry\`: a failed stage is tried again from its newest checkpoint. |
`,
  R1Stage: `The operator makes one for each stage of a pipeline. One can also be applied on its own, without a pipeline:

\`\`\`yaml
apiVersion: r1.dev/v1alpha1
kind: R1Stage
metadata: {name: sft-with-more-data}
spec:
  pipeline: experiments # its directory on the volume, together with the name of the stage
  stage: sft-with-more-data
  storage: {claimName: models} # without claimName, a claim is made that goes with this object
  model: {hf: {repo: Qwen/Qwen3-0.6B}}
  datasets: [{name: sums, generator: {task: addition}}]
  sft: {data: [sums]}
\`\`\`

All that a pipeline would find out must be said: \`datasets\` holds those that the settings name; a model, data or a reward
model of another stage is pinned in \`model.input\` and \`inputs\` with the \`path\` and \`digest\` of that stage's
\`status.checkpoint\`, and is looked for under the same \`pipeline\` on the same claim. There are no gates. One that is asked
for something else after its end has another attempt: with more \`steps\` or \`epochs\` it goes on from where it ended, with other
settings that decide weights or rows it begins anew. Its condition \`Succeeded\` names in \`observedGeneration\` what it is about.
`,
};

/** The reference of every field, in Markdown. A structure that occurs again is described once and linked. */
export function manifestReference(): string {
  const sections: string[] = [introduction];
  const described = new Map<string, string>();
  for (const kind of ['R1Pipeline', 'R1Stage'] as const) {
    const { spec, status } = schemaOf(kind).properties ?? {};
    sections.push(`# ${kind}\n`, notes[kind]);
    describe(`${kind}.spec`, spec ?? {}, sections, described);
    describe(`${kind}.status`, status ?? {}, sections, described);
  }
  return `${sections.join('\n').trimEnd()}\n`;
}

function describe(title: string, schema: StructuralSchema, sections: string[], described: Map<string, string>): void {
  const { properties = {}, required = [] } = schema;
  described.set(fingerprint(schema), title);
  const nested: [title: string, object: StructuralSchema][] = [];
  const rows = Object.entries(properties).map(([name, property]) => {
    const inner = innerObject(property);
    let type = typeInWords(property);
    if (inner !== undefined) {
      const [suffix, object] = inner;
      const known = described.get(fingerprint(object));
      const nestedTitle = known ?? `${title}.${name}${suffix}`;
      if (known === undefined) {
        described.set(fingerprint(object), nestedTitle);
        nested.push([nestedTitle, object]);
      }
      type = `[${type}](#${anchor(nestedTitle)})`;
    }
    const shown = required.includes(name) ? `**${name}**` : name;
    return `| ${shown} | ${type} | ${defaultInWords(property)} | ${cell(property.description ?? '')} |`;
  });
  const rules = (schema['x-kubernetes-validations'] ?? []).map(({ message }) => `- ${message}`);
  sections.push(
    [
      `## ${title}`,
      '',
      ...(schema.description === undefined ? [] : [schema.description, '']),
      '| Field | Type | Default | |',
      '|---|---|---|---|',
      ...rows,
      '',
      ...(rules.length === 0 ? [] : ['Rules:', '', ...rules, '']),
    ].join('\n'),
  );
  for (const [innerTitle, object] of nested) describe(innerTitle, object, sections, described);
}

/** The object that a field holds, itself or in a list, and how its path goes on. */
function innerObject(schema: StructuralSchema): [suffix: string, object: StructuralSchema] | undefined {
  if (schema.properties !== undefined) return ['', schema];
  return schema.items?.properties === undefined ? undefined : ['[]', schema.items];
}

/** Equal for the same fields, whatever the field that holds them says about itself. */
function fingerprint(schema: StructuralSchema): string {
  return JSON.stringify({ ...schema, description: undefined, default: undefined });
}

function typeInWords(schema: StructuralSchema): string {
  if (schema.properties !== undefined) return 'object';
  if (schema.items !== undefined) {
    return schema.items.properties === undefined ? `list of ${typeInWords(schema.items)}` : 'list of objects';
  }
  if (schema.additionalProperties !== undefined) return `map to ${typeInWords(schema.additionalProperties)}`;
  if (schema['x-kubernetes-int-or-string']) return 'quantity';
  if (schema.enum !== undefined) return schema.enum.map((each) => `\`${String(each)}\``).join(', ');
  if (schema.type === 'string') return schema.format === 'date-time' ? 'time' : 'text';
  // A bound that only keeps numbers in a machine's range is no news.
  const { maximum = 0, ...bounded } = schema;
  return cell(expectation(maximum >= 1e9 ? bounded : schema).replace(/^an? /, ''));
}

function defaultInWords({ default: value }: StructuralSchema): string {
  if (value === undefined || JSON.stringify(value) === '{}' || JSON.stringify(value) === '[]') return '';
  return `\`${cell(typeof value === 'string' ? value : JSON.stringify(value))}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

/** As GitHub makes anchors of headings. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-');
}
