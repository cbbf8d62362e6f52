import type { Command } from 'commander';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { namesCluster } from '../cluster/options.ts';
import { withCluster } from '../cluster/with-cluster.ts';
import { interruptible } from '../interruptible.ts';
import { pipelineAndStage } from '../pipeline-and-stage.ts';
import { addPlaceOptions, type PlaceOptions } from '../place-options.ts';
import { resolveStageFile } from '../stage-file-argument.ts';
import { runTrainer } from '../trainer-process.ts';

export interface ReviewOptions extends PlaceOptions {
  readonly export?: string;
  readonly import?: string;
  readonly reviewer?: string;
}

export function addReview(program: Command): void {
  const command = program
    .command('review')
    .description('decide on the rows of a review that waits for a person, in a browser or with a tool of your own')
    .argument('<stage>', 'PIPELINE/STAGE')
    .option('--export <file>', 'write the rows there, as JSONL, and end; - is stdout')
    .option('--import <file>', 'take the decisions of this JSONL file, all or none, and end; - is stdin')
    .option('--reviewer <name>', 'who decides: exports what this person has to decide, imports lines that name nobody');
  addPlaceOptions(command).action(review);
}

async function review(name: string, options: ReviewOptions): Promise<void> {
  const { state, export: to, import: from, reviewer } = options;
  if (to !== undefined && from !== undefined) {
    throw new UserError('review: found --export and --import, expected at most one of the two');
  }
  if (state === undefined || namesCluster(options)) return reviewThere(name, options);
  const file = await resolveStageFile(name, state);
  process.exitCode = await runTrainer([
    'review',
    `--stage=${file}`,
    ...(to === undefined ? [] : [`--export=${to}`]),
    ...(from === undefined ? [] : [`--import=${from}`]),
    ...(reviewer === undefined ? [] : [`--reviewer=${reviewer}`]),
  ]);
}

async function reviewThere(name: string, options: ReviewOptions): Promise<void> {
  const named = pipelineAndStage(name);
  if (named === undefined) throw new UserError(`${name}: expected PIPELINE/STAGE`);
  const { reviewOnCluster } = await import('../cluster/review.ts');
  await interruptible(
    () => undefined,
    ({ signal }) => withCluster(options, (cluster) => reviewOnCluster(cluster, named, options, signal)),
  );
}
