import { soleWriter, type Writer } from '../../contract/files/directory-lock.ts';
import type { Control } from '../../contract/settings/settings.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import { warningOfTrainedOn } from '../../contract/settings/training.ts';
import { OwnVerifiers } from '../../rewards/modules/own-verifiers.ts';
import type { RolloutServer } from '../../rollout/remote/server.ts';
import { EvaluationRecords } from './evaluation-records.ts';
import { ProgressReporter } from './progress.ts';
import { decidingSettings, type DecidingSettings } from './settings-digest.ts';
import { StageInputs } from './stage-inputs.ts';
import { StageLog } from './stage-log.ts';
import { StageOutput } from './stage-output.ts';
import { StopRequest } from './stop-request.ts';
import type { Warnings } from './warnings.ts';

/** What a recipe has around it. */
export interface Workspace {
  readonly file: StageFile;
  readonly settings: DecidingSettings;
  /** `settings.digest`. */
  readonly settingsDigest: string;
  readonly inputs: StageInputs;
  readonly verifiers: OwnVerifiers;
  /** Asked before anything gets a name in the stage's directory. */
  readonly writer: Writer;
  readonly output: StageOutput;
  readonly log: StageLog;
  readonly evaluations: EvaluationRecords;
  readonly progress: ProgressReporter;
  /** For people, of what does not end the stage. */
  readonly warnings: Warnings;
  readonly stop: StopRequest;
  /** Lets rollout workers help; absent where the stage has none. */
  readonly rolloutServer: RolloutServer | undefined;
  /** Set where it is a negative control of its stage. */
  readonly control?: Control;
}

export async function openWorkspace(
  file: StageFile,
  stop: AbortSignal,
  progress = new ProgressReporter(),
  writer: Writer = soleWriter,
): Promise<Workspace> {
  const settings = await decidingSettings(file);
  const { digest } = settings;
  if (file.trainedOn?.length) progress.warnings.warn('TrainingRowsEvaluated', warningOfTrainedOn(file.trainedOn));
  const request = new StopRequest(stop);
  const onActivity = (): void => {
    progress.alive();
    request.heed('nothing; its data was being read');
  };
  return {
    file,
    settings,
    settingsDigest: digest,
    inputs: new StageInputs(file, onActivity),
    // Rows that are sampled are kept; another attempt is to end in the same ones.
    verifiers: new OwnVerifiers(file.datasets, { signal: stop }),
    writer,
    output: new StageOutput(file, settings, writer),
    log: new StageLog(file.out, writer),
    evaluations: new EvaluationRecords(file, writer),
    progress,
    warnings: progress.warnings,
    stop: request,
    rolloutServer: undefined,
  };
}
