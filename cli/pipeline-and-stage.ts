/** The two names in `PIPELINE/STAGE`; undefined where it is something else. */
export function pipelineAndStage(argument: string): readonly [pipeline: string, stage: string] | undefined {
  const [pipeline, stage, ...more] = argument.split('/');
  return pipeline && stage && more.length === 0 ? [pipeline, stage] : undefined;
}
