import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, stages, start, type SyntheticStage } from './stages.ts';
import { json, sha256, withoutStep } from './text.ts';

export async function writeStage(
  directory: string,
  stage: SyntheticStage,
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
          warnings: '',
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

export async function writePipeline(
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
          warnings: '',
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
          state: index < run.finished ? 'Succeeded' : index === run.finished ? 'Running' : 'Waiting',
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
