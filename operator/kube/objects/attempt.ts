import type { R1Stage } from '../../api/resources/stage.ts';

/** One attempt of a stage, and what the cluster adds to what the stage says. */
export interface Attempt {
  /** With its uid, and with what the operator's defaults add to its spec. */
  readonly stage: R1Stage;
  /** Counts from 1. */
  readonly number: number;
  /** `attemptDigest` of the spec as the API server keeps it. */
  readonly madeFrom: string;
  /** Annotations of its Job that say which defaults it was made with. */
  readonly madeWith: Readonly<Record<string, string>>;
  /** Image of the trainer for stages that name none. */
  readonly image: string;
  /** The claim that holds the pipeline's directory. */
  readonly claim: string;
  /** Runs of the stage that it removes. */
  readonly goneRuns: readonly string[];
  /** Instead of https://huggingface.co. */
  readonly hubEndpoint?: string | undefined;
}
