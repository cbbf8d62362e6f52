import type { PipelineSource } from './pipeline-source.ts';
import { pipelineNames, readState } from './state.ts';

/** What `r1 run` left on this machine, or is making now. */
export function localSource(stateDirectory: string): PipelineSource {
  const readAll = async () =>
    Promise.all((await pipelineNames(stateDirectory)).map((name) => readState(stateDirectory, name)));
  return {
    place: stateDirectory,
    pipelines: async () => (await readAll()).map(({ pipeline }) => pipeline),
    stages: async () => (await readAll()).flatMap(({ stages }) => stages),
    read: (name) => readState(stateDirectory, name),
  };
}
