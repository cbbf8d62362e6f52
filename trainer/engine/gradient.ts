import type { ModelConfig } from '../models/config.ts';
import type { ParameterLayout } from '../models/parameters.ts';
import { gradientProgram } from '../models/programs.ts';
import type { Parameters } from '../rollout/decoder.ts';
import type { SessionCache } from '../runtime/session-cache.ts';
import type { Feeds, Outputs } from '../runtime/session.ts';
import { floats } from '../runtime/tensor.ts';
import { completionProbs, pairFeeds, policyFeeds, supervisedFeeds, trainedPositions } from './feeds.ts';
import type { Grid } from './feeds.ts';
import type { MicroBatchResult } from './protocol.ts';
import type { LossPart } from './sequences.ts';

/** Runs one micro-batch forward and backward. The outputs hold `grad.<parameter>`. */
export async function runGradient(
  config: ModelConfig,
  sessions: SessionCache,
  parameters: Parameters,
  grid: Grid,
  part: LossPart,
): Promise<Outputs> {
  const { loss } = part.settings;
  const { rows, length } = grid;
  const session = await sessions.get(`gradient ${loss} ${rows}×${length}`, () =>
    gradientProgram(config, loss, rows, length),
  );
  return session.run({ ...parameters, ...lossFeeds(grid, part) });
}

function lossFeeds(grid: Grid, part: LossPart): Feeds {
  switch (part.settings.loss) {
    case 'sft':
      return supervisedFeeds(grid, part.sequences as SequencesOf<'sft'>);
    case 'policy':
      return policyFeeds(grid, part.sequences as SequencesOf<'policy'>, part.settings);
    case 'pairwise':
      return pairFeeds(grid, part.sequences as SequencesOf<'pairwise'>);
  }
}

export function microBatchResult(outputs: Outputs, grid: Grid, part: LossPart): MicroBatchResult {
  const loss = floats(outputs, 'loss')[0] as number;
  switch (part.settings.loss) {
    case 'sft': {
      const sequences = part.sequences as SequencesOf<'sft'>;
      const at = (name: string) => trainedPositions(floats(outputs, name), grid, sequences);
      return { loss, probs: at('prob'), top: at('top') };
    }
    case 'policy': {
      const sequences = part.sequences as SequencesOf<'policy'>;
      return { loss, probs: completionProbs(floats(outputs, 'prob'), grid, sequences), top: [] };
    }
    case 'pairwise':
      return { loss, probs: [], top: [] };
  }
}

type SequencesOf<L> = Extract<LossPart, { settings: { loss: L } }>['sequences'];

/** Adds the gradients of a run to their sum; the first run of a step overwrites the last step's. */
export function addGradients(outputs: Outputs, layout: ParameterLayout, sum: Float32Array, first: boolean): void {
  for (const { name, offset } of layout.tensors) {
    const gradient = floats(outputs, `grad.${name}`);
    if (first) sum.set(gradient, offset);
    else for (let i = 0; i < gradient.length; i++) (sum[offset + i] as number) += gradient[i] as number;
  }
}
