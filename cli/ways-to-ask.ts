import { join } from 'node:path';
import { givesPolicy } from '../operator/api/evaluation-plan.ts';
import { samplesName } from '../trainer/contract/files/checkpoint.ts';
import { readSamples } from '../trainer/report/jsonl.ts';
import type { RunState } from './display/run-state.ts';

/**
 * How to try the model that a pipeline ends with, by a question that it was measured on; nothing where it makes none.
 *
 * @param directory of the pipeline's state
 * @param command that takes a stage at its end, such as `r1 serve r1-tiny` of `serve`
 */
export async function waysToAsk(
  { pipeline, stages }: RunState,
  directory: string,
  command: (verb: string) => string,
): Promise<string[]> {
  const made = new Set(stages.filter(({ status }) => status?.checkpoint !== undefined).map(({ spec }) => spec.stage));
  const last = pipeline.spec.stages.findLast((stage) => givesPolicy(stage) && made.has(stage.name));
  if (last === undefined) return [];
  const { first, last: newest } = await readSamples(join(directory, 'volume', last.name, samplesName), 1);
  const question = asArgument([...newest, ...first][0]?.prompt);
  return [
    `Ask ${last.name}: ${command('generate')}/${last.name} --prompt ${question}`,
    `Serve ${last.name}: ${command('serve')}/${last.name}`,
  ];
}

/** A prompt that a shell takes as it stands between quotes, and that fits into a line; else a word in its place. */
function asArgument(prompt: string | undefined): string {
  return prompt !== undefined && /^[^\p{C}']{1,80}$/u.test(prompt) ? `'${prompt}'` : 'QUESTION';
}
