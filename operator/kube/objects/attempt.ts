import type { R1Stage } from '../../api/stage.ts';

/** One attempt of a stage, and what the cluster adds to what the stage says. */
export interface Attempt {
  /** As the API server keeps it, with its uid. */
  readonly stage: R1Stage;
  /** Counts from 1. */
  readonly number: number;
  /** Image of the trainer for stages that name none. */
  readonly image: string;
  /** The claim that holds the pipeline's directory. */
  readonly claim: string;
  /** Instead of https://huggingface.co. */
  readonly hubEndpoint?: string | undefined;
}
