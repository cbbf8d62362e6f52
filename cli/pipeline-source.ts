import type { R1Pipeline } from '../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../operator/api/resources/stage.ts';
import type { RunState } from './display/run-state.ts';

/** Where pipelines are looked up: the state on this machine, or a cluster. */
export interface PipelineSource {
  /** In words, such as `context kind, namespace team`. */
  readonly place: string;
  pipelines(): Promise<R1Pipeline[]>;
  /** Stages of all pipelines, each pipeline's together and in the order in which they came to be. */
  stages(): Promise<R1Stage[]>;
  /**
   * One pipeline with those of its stages that were created, in the order of the manifest.
   *
   * @throws UserError that names the pipelines there are
   */
  read(name: string): Promise<RunState>;
}
