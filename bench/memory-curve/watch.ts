import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { StageResult } from '../../trainer/contract/files/progress.ts';
import { stageFile } from '../../trainer/contract/settings/stage-file.ts';
import { trainerCommand } from '../../trainer/contract/process/trainer-command.ts';
import { MemorySampler } from '../memory.ts';

export interface Watched {
  readonly stage: string;
  readonly seconds: number;
  readonly samples: MemorySampler['samples'];
  /** When the check of the rows was done and the work began, in ms. */
  readonly beganMs: number;
  readonly result: StageResult;
}

/** Runs a stage as its own process and writes down its resident memory twice a second. */
export async function watchStage(file: z.input<typeof stageFile>): Promise<Watched> {
  const path = `${file.out}.json`;
  await writeFile(path, JSON.stringify(stageFile.parse(file)));
  const [program, ...leading] = trainerCommand();
  const child = spawn(program, [...leading, 'run', '--stage', path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const startedMs = performance.now();
  const sampler = new MemorySampler(child.pid as number, 500);
  let beganMs = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    if (beganMs === 0 && /"phase":"(train|sample)"/.test(String(chunk))) beganMs = performance.now() - startedMs;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  sampler.stop();
  if (code !== 0) throw new Error(`stage ${file.stage} ended with ${code}`);
  const result = JSON.parse(await readFile(join(file.out, 'result.json'), 'utf8')) as StageResult;
  const seconds = (performance.now() - startedMs) / 1000;
  // What is sampled after its end is nothing.
  const samples = sampler.samples.filter(({ bytes }) => bytes > 0);
  return { stage: file.stage, seconds, samples, beganMs, result };
}
