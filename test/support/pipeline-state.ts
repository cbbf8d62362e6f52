import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluation, grpoLines, type Metrics, rewardModelLines, sftLines } from './synthetic-curves.ts';

/** One stage of a synthetic run: what its manifest entry says and what it left behind. */
interface Stage {
  readonly name: string;
  readonly type: string;
  readonly settings: Record<string, unknown>;
  readonly model?: string;
  readonly init?: Record<string, unknown>;
  readonly inputs?: readonly string[];
  readonly seconds: number;
  readonly lines?: readonly Metrics[];
  readonly result?: Metrics;
  readonly data?: Record<string, unknown>;
  readonly gate?: Record<string, unknown>;
}

interface StateOptions {
  /** Stages that have finished; the next one runs and the others wait. All when absent. */
  readonly finished?: number;
  /** Changes the settings of a stage, by its name. */
  readonly change?: Readonly<Record<string, Record<string, unknown>>>;
  /** A completion put among the samples of r1-zero. */
  readonly completion?: string;
}

const sums = { prompts: ['sums'] };
const grpo = { ...sums, learningRate: 3e-4, group: 8, rewards: [{ accuracy: {} }, { format: {} }] };

const funnel = {
  prompts: 500,
  sampled: 4000,
  dropped: {
    abstained: 0,
    correct: 880,
    readable: 246,
    oneLanguage: 363,
    notOverlong: 13,
    duplicate: 310,
    outranked: 1688,
    overQuota: 20,
  },
  kept: 480,
  keptByDomain: { reasoning: 480, general: 0 },
};

/** The five steps of R1 with figures as of a good run. */
const stages: readonly Stage[] = [
  {
    name: 'pretrained',
    type: 'pretrain',
    settings: { data: ['mixture'], steps: 800, learningRate: 2e-3 },
    init: { hiddenSize: 128 },
    seconds: 96,
    lines: sftLines(800, 4.6, 0.9, 1),
    result: evaluation(0.37, 0.62, 0.84),
  },
  {
    name: 'r1-zero',
    type: 'grpo',
    settings: { ...grpo, steps: 200 },
    model: 'pretrained',
    seconds: 121,
    lines: grpoLines(200, 0.37, 0.78, 2),
    result: evaluation(0.765, 0.985, 0.83),
    gate: { metric: 'eval/pass@1', atLeast: 0.5, onFailure: 'Stop' },
  },
  {
    name: 'cold-start-data',
    type: 'sample',
    settings: { ...sums, perPrompt: 8 },
    model: 'r1-zero',
    seconds: 24,
    data: funnel,
  },
  {
    name: 'review',
    type: 'review',
    settings: { data: 'cold-start-data', required: false },
    inputs: ['cold-start-data'],
    seconds: 0.4,
    data: { reviewed: 0, not_reviewed: 480, rejected: 0, rows: 480, complete: false, reviewers: [] },
  },
  {
    name: 'cold-start',
    type: 'sft',
    settings: { data: ['review'], epochs: 2, learningRate: 5e-5 },
    model: 'pretrained',
    inputs: ['review'],
    seconds: 19,
    lines: sftLines(60, 0.8, 0.35, 3),
    result: evaluation(0.61, 0.97, 0.995),
  },
  {
    name: 'reasoning-rl',
    type: 'grpo',
    settings: { ...grpo, steps: 150, rewards: [{ accuracy: {} }, { format: {} }, { languageConsistency: {} }] },
    model: 'cold-start',
    seconds: 92,
    lines: grpoLines(150, 0.6, 0.88, 4),
    result: evaluation(0.87, 0.99, 0.991),
  },
  {
    name: 'rejection-sampling',
    type: 'sample',
    settings: { prompts: ['sums', 'greetings'], perPrompt: 8 },
    model: 'reasoning-rl',
    seconds: 31,
    data: funnel,
  },
  {
    name: 'sft',
    type: 'sft',
    settings: { data: ['rejection-sampling'], epochs: 2, learningRate: 5e-5 },
    model: 'pretrained',
    inputs: ['rejection-sampling'],
    seconds: 25,
    lines: sftLines(80, 0.8, 0.3, 5),
    result: evaluation(0.85, 0.985, 0.99),
  },
  {
    name: 'preference',
    type: 'rewardModel',
    settings: { pairs: ['preferences'], learningRate: 1e-3 },
    model: 'sft',
    seconds: 14,
    lines: rewardModelLines(50, 6),
    result: { accuracy: 0.985, margin: 2.9 },
  },
  {
    name: 'r1',
    type: 'grpo',
    settings: {
      ...grpo,
      prompts: ['sums', 'greetings'],
      steps: 100,
      rewards: [{ accuracy: { domains: ['reasoning'] } }, { rewardModel: { from: 'preference', lastSteps: 40 } }],
    },
    model: 'sft',
    inputs: ['preference'],
    seconds: 71,
    lines: grpoLines(100, 0.84, 0.9, 7),
    result: evaluation(0.895, 0.99, 0.992),
    gate: { metric: 'eval/pass@1', notBelow: { stage: 'sft', by: 0.02 }, onFailure: 'Rollback' },
  },
  {
    name: 'distilled',
    type: 'sft',
    settings: { data: ['rejection-sampling'], epochs: 4, learningRate: 1e-3 },
    init: { hiddenSize: 64 },
    inputs: ['rejection-sampling'],
    seconds: 18,
    lines: sftLines(160, 4.6, 0.6, 8),
    result: evaluation(0.58, 0.95, 0.98),
  },
];

const start = Date.UTC(2026, 2, 1, 9, 30);

/**
 * Writes the local state of a pipeline as `r1 run` leaves it: `<root>/r1-tiny/…`.
 *
 * @returns the pipeline's directory
 */
export async function writePipelineState(root: string, options: StateOptions = {}): Promise<string> {
  const { finished = stages.length, change = {} } = options;
  const directory = join(root, 'r1-tiny');
  const digests = new Map<string, { digest: string; path: string; step: number }>();
  let elapsed = 0;
  for (const [index, original] of stages.entries()) {
    const stage = { ...original, settings: { ...original.settings, ...change[original.name] } };
    const began = start + elapsed * 1000;
    if (index < finished) {
      elapsed += stage.seconds;
      digests.set(stage.name, await writeFinished(directory, stage, digests, options.completion));
      await writeStage(directory, stage, digests, 'Succeeded', began);
    } else if (index === finished) {
      await writeRunning(directory, stage);
      await writeStage(directory, stage, digests, 'Running', began);
    }
  }
  await writePipeline(directory, { finished, change, elapsed, digests });
  return directory;
}

async function writeFinished(
  directory: string,
  stage: Stage,
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

async function writeRunning(directory: string, stage: Stage): Promise<void> {
  const out = join(directory, 'volume', stage.name);
  await mkdir(out, { recursive: true });
  const lines = stage.lines ?? [];
  await writeCurves(out, stage, lines.slice(0, Math.floor(lines.length / 2)));
}

/** `metrics.jsonl`, with an evaluation every quarter of the stage and one line cut off at the end, as of a killed run. */
async function writeCurves(out: string, stage: Stage, lines: readonly Metrics[]): Promise<void> {
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

function samples({ lines }: Stage, hostile?: string): string {
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

async function writeStage(
  directory: string,
  stage: Stage,
  digests: ReadonlyMap<string, { digest: string; path: string; step: number }>,
  state: 'Succeeded' | 'Running',
  began: number,
): Promise<void> {
  const checkpoint = digests.get(stage.name);
  const input = stage.model === undefined ? undefined : digests.get(stage.model);
  const startedAt = new Date(began).toISOString();
  const ended = new Date(began + stage.seconds * 1000).toISOString();
  const last = stage.lines?.at(state === 'Running' ? Math.floor(stage.lines.length / 2) - 1 : -1) ?? {};
  const metrics = { ...withoutStep(last), ...(state === 'Succeeded' && stage.result) };
  const steps = stage.lines?.length ?? 0;
  const done = state === 'Succeeded' ? steps : Math.floor(steps / 2);
  await mkdir(join(directory, 'stages'), { recursive: true });
  await writeFile(
    join(directory, 'stages', `${stage.name}.json`),
    json({
      apiVersion: 'r1.dev/v1alpha1',
      kind: 'R1Stage',
      metadata: { name: `r1-tiny-${stage.name}`, creationTimestamp: startedAt },
      spec: {
        pipeline: 'r1-tiny',
        stage: stage.name,
        seed: 7,
        ...(stage.type !== 'review' && {
          model: input
            ? { input: { stage: stage.model, path: input.path, digest: input.digest } }
            : { init: stage.init ?? {} },
        }),
        inputs: (stage.inputs ?? []).map((name) => ({
          stage: name,
          path: digests.get(name)?.path ?? 'data',
          digest: digests.get(name)?.digest ?? sha256(name),
        })),
        [stage.type]: stage.settings,
      },
      status: {
        conditions: [
          {
            type: 'Succeeded',
            status: state === 'Succeeded' ? 'True' : 'Unknown',
            reason: state === 'Succeeded' ? 'Completed' : 'AttemptRunning',
            message: state === 'Succeeded' ? `${steps} steps` : 'attempt 1 is running',
            lastTransitionTime: ended,
          },
        ],
        display: {
          type: stage.type,
          state,
          step: steps > 0 ? `${done}/${steps}` : '',
          progress: state === 'Succeeded' ? '100%' : '50%',
          reward: 'reward' in metrics ? metrics['reward'].toFixed(3) : '',
          loss: 'loss' in metrics ? metrics['loss'].toFixed(3) : '',
          attempt: 1,
          passAt1: 'eval/pass@1' in metrics ? metrics['eval/pass@1'].toFixed(3) : '',
          kl: 'kl' in metrics ? metrics['kl'].toFixed(4) : '',
          node: '',
          checkpoint: checkpoint ? `${checkpoint.path}@${checkpoint.digest.slice(0, 12)}` : '',
          message: state === 'Succeeded' ? messageOf(stage) : 'attempt 1 is running',
        },
        attempts: [
          {
            number: 1,
            outcome: state,
            message: '',
            startedAt,
            ...(state === 'Succeeded' && { endedAt: ended }),
            gpus: 0,
          },
        ],
        failures: {},
        ...(state === 'Running' && {
          progress: {
            type: 'progress',
            time: startedAt,
            step: done,
            steps,
            phase: 'train',
            metrics: withoutStep(last),
            secondsLeft: stage.seconds / 2,
          },
        }),
        ...(checkpoint && { checkpoint }),
        metrics: state === 'Succeeded' ? metrics : {},
        startedAt,
        ...(state === 'Succeeded' && { completedAt: ended }),
        runSeconds: stage.seconds,
        gpuHours: 0,
      },
    }),
  );
  await mkdir(join(directory, 'logs'), { recursive: true });
  await writeFile(
    join(directory, 'logs', `${stage.name}.attempt-1.log`),
    [
      `reading ${stage.model ?? 'nothing'}`,
      JSON.stringify({
        type: 'progress',
        time: startedAt,
        step: done,
        steps,
        phase: 'train',
        metrics: withoutStep(last),
      }),
      '',
    ].join('\n'),
  );
}

async function writePipeline(
  directory: string,
  run: {
    finished: number;
    change: Readonly<Record<string, Record<string, unknown>>>;
    elapsed: number;
    digests: ReadonlyMap<string, unknown>;
  },
): Promise<void> {
  const done = run.finished >= stages.length;
  const current = done ? undefined : stages[run.finished]?.name;
  const startedAt = new Date(start).toISOString();
  const now = new Date(start + run.elapsed * 1000).toISOString();
  const decided = stages.slice(0, run.finished).filter(({ gate }) => gate);
  await mkdir(directory, { recursive: true });
  await writeFile(
    join(directory, 'pipeline.json'),
    json({
      apiVersion: 'r1.dev/v1alpha1',
      kind: 'R1Pipeline',
      metadata: { name: 'r1-tiny', creationTimestamp: startedAt, generation: 1 },
      spec: {
        suspend: false,
        seed: 7,
        base: { init: { architecture: 'qwen3', hiddenSize: 128 } },
        datasets: [],
        stages: stages.map(({ name, type, settings, model, init, gate }) => ({
          name,
          ...(model !== undefined && { model: { from: model } }),
          ...(model === undefined && init && name !== 'pretrained' && { model: { init } }),
          [type]: { ...settings, ...run.change[name] },
          ...(gate && { gate }),
        })),
      },
      status: {
        conditions: [
          {
            type: 'Succeeded',
            status: done ? 'True' : 'Unknown',
            reason: done ? 'Completed' : 'StageRunning',
            message: done ? 'every stage has succeeded' : `stage ${current} is running`,
            lastTransitionTime: now,
          },
        ],
        display: {
          state: done ? 'Succeeded' : 'Running',
          stage: current ?? '',
          progress: `${run.finished}/${stages.length}`,
          eta: done ? '' : '4m',
          gpuHours: '0',
          restarts: 0,
          reward: '',
          passAt1: done ? '0.895' : '0.765',
          queue: '',
          message: done ? 'every stage has succeeded' : `stage ${current} is running`,
        },
        gates: decided.map(({ name, gate, result }) => ({
          stage: name,
          metric: gate?.['metric'],
          value: result?.['eval/pass@1'],
          expected: '≥ 0.5',
          passed: true,
          action: 'Passed',
          message: `eval/pass@1 is ${result?.['eval/pass@1']}`,
          digest: sha256(name),
          time: now,
        })),
        stages: stages.map(({ name, type }, index) => ({
          name,
          type,
          state: index < run.finished ? 'Succeeded' : index === run.finished ? 'Running' : 'Pending',
          message: '',
        })),
        startedAt,
        ...(done && { completedAt: now }),
        runSeconds: run.elapsed,
        gpuHours: 0,
      },
    }),
  );
}

function messageOf({ type, lines }: Stage): string {
  if (type === 'sample') return `${funnel.kept} of ${funnel.sampled} completions kept`;
  return type === 'review' ? `${funnel.kept} rows not reviewed` : `${lines?.length ?? 0} steps`;
}

function withoutStep(metrics: Metrics): Metrics {
  return Object.fromEntries(Object.entries(metrics).filter(([name]) => name !== 'step'));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
