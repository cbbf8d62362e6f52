import { join } from 'node:path';
import { writePipeline, writeStage } from './resources.ts';
import { stages, start } from './stages.ts';
import { writeFinished, writeRunning } from './volume.ts';

interface StateOptions {
  /** Stages that have finished; the next one runs and the others wait. All when absent. */
  readonly finished?: number;
  /** Changes the settings of a stage, by its name. */
  readonly change?: Readonly<Record<string, Record<string, unknown>>>;
  /** A completion put among the samples of r1-zero. */
  readonly completion?: string;
}

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
