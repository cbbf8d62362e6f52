import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { validateManifest } from '../../operator/api/manifest.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { AttemptRecord } from '../../operator/api/resources/stage.ts';
import type { RunEvent, RunOptions } from '../../operator/local/run-options.ts';
import { runPipeline } from '../../operator/local/run-pipeline.ts';
import type { RunResult } from '../../operator/local/run-result.ts';
import type { Behaviour } from './fake-trainer.ts';
import { manifest } from './manifest.ts';

/** A pipeline from the part of its manifest that a test is about: `spec` in YAML, or a whole list of stages. */
export function pipelineOf(spec: string): R1Pipeline {
  const { pipelines, problems } = validateManifest(manifest(spec), 'test.yaml');
  const [pipeline] = pipelines;
  if (pipeline === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  return pipeline;
}

/** Three stages in a row and one that only needs the first: pretrained → zero → samples → student. */
export const fourStages = `
seed: 3
base: {init: {}}
datasets:
  - {name: sums, generator: {task: addition}}
stages:
  - {name: pretrained, pretrain: {data: [sums], steps: 3}}
  - {name: zero, model: {from: pretrained}, grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}]}}
  - {name: samples, model: {from: zero}, sample: {prompts: [sums]}}
  - {name: student, model: {init: {hiddenSize: 64}}, sft: {data: [samples]}}
`;

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder of its own for one test, with a trainer that follows a plan; it is there until the test file ends. */
export class Workbench {
  readonly folder = mkdtempSync(join(tmpdir(), 'r1-local-'));
  readonly stateDir = join(this.folder, '.r1');
  readonly events: RunEvent[] = [];

  constructor(plan: Record<string, Behaviour[]> = {}) {
    folders.push(this.folder);
    this.plan(plan);
  }

  plan(plan: Record<string, Behaviour[]>): void {
    writeFileSync(join(this.folder, 'plan.json'), JSON.stringify(plan));
  }

  get trainer(): string[] {
    return [process.execPath, join(import.meta.dirname, 'fake-trainer.ts'), join(this.folder, 'plan.json')];
  }

  run(pipeline: R1Pipeline, options: Partial<RunOptions> = {}): Promise<RunResult> {
    return runPipeline({
      manifest: pipeline,
      manifestFile: join(this.folder, 'test.yaml'),
      stateDir: this.stateDir,
      trainer: this.trainer,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
  }

  /** A file below the pipeline's directory. */
  read(path: string): string {
    return readFileSync(join(this.stateDir, 'test', path), 'utf8');
  }
}

/** Final digests by stage. */
export function digests({ stages }: RunResult): Record<string, string | undefined> {
  return Object.fromEntries(stages.map(({ spec, status }) => [spec.stage, status?.checkpoint?.digest]));
}

/** The newest attempt of a stage. */
export function lastAttempt({ stages }: RunResult, stage: string): AttemptRecord | undefined {
  return stages.find(({ spec }) => spec.stage === stage)?.status?.attempts.at(-1);
}
