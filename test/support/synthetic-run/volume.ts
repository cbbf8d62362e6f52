import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Metrics } from './curves.ts';
import { messageOf, start, type SyntheticStage } from './stages.ts';
import { json, sha256, withoutStep } from './text.ts';

export async function writeFinished(
  directory: string,
  stage: SyntheticStage,
  digests: ReadonlyMap<string, { digest: string }>,
  completion?: string,
): Promise<{ digest: string; path: string; step: number }> {
  const out = join(directory, 'volume', stage.name);
  const step = stage.lines?.length ?? 0;
  const path = stage.data ? 'data' : `step-${String(step).padStart(6, '0')}`;
  await mkdir(join(out, path), { recursive: true });
  const parent = stage.model ?? (stage.type === 'review' ? stage.inputs?.[0] : undefined);
  const parentDigest = parent === undefined ? undefined : digests.get(parent)?.digest;
  const manifest = json({
    version: 1,
    step,
    final: true,
    files: [],
    ...(parentDigest !== undefined && { parent: { stage: parent, digest: parentDigest } }),
    settingsDigest: sha256(JSON.stringify(stage.settings)),
    engine: { 'onnxruntime-node': '1.30.0', node: '24.21.0', cpu: 'x64 avx2' },
  });
  await writeFile(join(out, path, 'checkpoint.json'), manifest);
  if (stage.data)
    await writeFile(join(out, stage.type === 'review' ? 'data/review.json' : 'data/funnel.json'), json(stage.data));
  await writeCurves(out, stage, stage.lines ?? []);
  if (stage.lines && stage.result?.['eval/pass@1'] !== undefined) {
    await writeFile(join(out, 'samples.jsonl'), samples(stage, stage.name === 'r1-zero' ? completion : undefined));
  }
  const checkpoint = { path: join(out, path), step, digest: sha256(manifest) };
  await writeFile(
    join(out, 'result.json'),
    json({
      outcome: 'succeeded',
      reason: 'succeeded',
      message: messageOf(stage),
      checkpoint,
      metrics: { ...withoutStep(stage.lines?.at(-1) ?? {}), ...stage.result },
    }),
  );
  return { ...checkpoint, path };
}

export async function writeRunning(directory: string, stage: SyntheticStage): Promise<void> {
  const out = join(directory, 'volume', stage.name);
  await mkdir(out, { recursive: true });
  const lines = stage.lines ?? [];
  await writeCurves(out, stage, lines.slice(0, Math.floor(lines.length / 2)));
}

/** `metrics.jsonl`, with an evaluation every quarter of the stage and one line cut off at the end, as of a killed run. */
async function writeCurves(out: string, stage: SyntheticStage, lines: readonly Metrics[]): Promise<void> {
  if (lines.length === 0) return;
  const every = Math.ceil((stage.lines?.length ?? 1) / 4);
  const final = stage.result ?? {};
  const time = new Date(start).toISOString();
  const text = lines.flatMap((line, index) => {
    const step = index + 1;
    const share = step / (stage.lines?.length ?? 1);
    const evaluated = Object.fromEntries(
      Object.entries(final)
        .filter(([name]) => name.startsWith('eval/'))
        .map(([name, value]) => [name, name.endsWith('_stderr') ? value : value * (0.6 + 0.4 * share)]),
    );
    const measured = step % every === 0 && Object.keys(evaluated).length > 0;
    return [{ ...line, time }, ...(measured ? [{ step, time, ...evaluated }] : [])];
  });
  const body = text.map((line) => `${JSON.stringify(line)}\n`).join('');
  await writeFile(join(out, 'metrics.jsonl'), `${body}{"step": 9`);
}

function sample(step: number, dataset: string, prompt: string, completion: string, score: number, gold: string) {
  return { step, dataset, prompt, completion, reward: score + 1, scores: { accuracy: score }, gold };
}

function samples({ lines }: SyntheticStage, hostile?: string): string {
  const last = lines?.length ?? 0;
  const good = '<think>27 + 58: 7 + 8 = 15, write 5, carry 1; 2 + 5 + 1 = 8. So 85.</think><answer>85</answer>';
  const poor = '<think>27 plus 58 sind 7 + 8 = 15, das gibt 75.</think><answer>75</answer>';
  const rows = [
    sample(Math.ceil(last / 4), 'sums', 'What is 27 + 58?', poor, 0, '85'),
    ...Array.from({ length: 5 }, (_, i) =>
      sample(Math.ceil(last / 4), 'sums', `Was ist ${i + 11} + 30?`, poor, 0, `${i + 41}`),
    ),
    sample(last, 'sums', 'What is 27 + 58?', good, 1, '85'),
    sample(
      last,
      'facts',
      'Name the primary colours.',
      '<think>The list is red, yellow and blue.</think><answer>red, yellow, blue</answer>',
      1,
      'red; yellow; blue',
    ),
    sample(last, 'greetings', 'Hallo!', 'Hallo! Wie kann ich helfen?', 0, ''),
    ...(hostile === undefined ? [] : [sample(last, 'sums', hostile, hostile, 0, hostile)]),
  ];
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}
