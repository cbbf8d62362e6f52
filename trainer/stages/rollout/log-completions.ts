import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { promptText } from '../../rewards/responses/prompt-text.ts';
import { inGroups } from '../policy/completions.ts';
import type { JudgedCompletion } from './rollout.ts';
import { type Sample, shownCompletion, type StageLog } from '../workspace/stage-log.ts';

/** All rollouts that are kept, together. */
const keptBytes = 2 ** 30;

/**
 * Writes down of a rollout what the settings ask for.
 *
 * @param step optimizer steps before it
 * @param judged siblings side by side
 */
export async function logCompletions(
  log: StageLog,
  settings: GrpoSettings,
  step: number,
  judged: readonly JudgedCompletion[],
): Promise<void> {
  const { every, count, rollouts } = settings.completions;
  const unit = updatesPerRollout(settings);
  const isLast = step + unit >= settings.steps;
  // A rollout of several steps is looked at where one of them is due, the last one always: it shows what became of the model.
  if (step % every < unit || isLast) {
    const shown = inGroups(judged, settings.group).slice(0, count);
    await log.samples(
      step + 1,
      shown.flatMap(([first]) => (first ? [sampleOf(first)] : [])),
    );
  }
  if (rollouts > 0) {
    const lines = judged.map((completion) => ({ step: step + 1, ...lineOf(completion) }));
    await log.rollouts.write(step + 1, lines, { rollouts, bytes: keptBytes });
  }
}

function sampleOf(completion: JudgedCompletion): Sample {
  const { row, reward, scores } = completion;
  return {
    from: 'rollout',
    dataset: row.dataset,
    prompt: promptText(row),
    ...shownCompletion(completion),
    ...(reward !== undefined && { reward }),
    scores,
    ...(row.answer && { gold: row.answer.gold }),
  };
}

/** Of `rollouts/`. A score and a reward are absent where a verifier abstained. */
function lineOf(completion: JudgedCompletion): object {
  const { row, scores, reward, advantage, verdict, tokens, terminated } = completion;
  return {
    dataset: row.dataset,
    row: row.id,
    prompt: promptText(row),
    ...shownCompletion(completion),
    scores,
    reward,
    advantage,
    verdict: verdict.outcome,
    tokens,
    finish: terminated ? 'stop' : 'length',
  };
}
