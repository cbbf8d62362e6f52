import { warningOfLength } from '../../contract/settings/context-length.ts';
import type { SampleSettings } from '../../contract/settings/settings.ts';
import type { SamplingSettings } from '../../contract/settings/training.ts';
import type { ModelConfig } from '../../models/config.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Warnings } from '../workspace/warnings.ts';

/** Warns of a length that the model cannot reach. */
export function warnOfLength(
  sampling: SamplingSettings,
  { maxLength }: Pick<ModelConfig, 'maxLength'>,
  warnings: Warnings,
): void {
  const message = warningOfLength(sampling, maxLength);
  if (message !== undefined) warnings.warn('ContextTooShort', message);
}

/**
 * Warns of truncated sampling in policy optimisation: what is trained is the whole distribution of a token, what was sampled is its
 * likely part, so the gradient is not exactly that of the expected reward.
 */
export function warnOfTruncation({ topP, topK }: SamplingSettings, warnings: Warnings): void {
  const found = [...(topP < 1 ? [`topP ${topP}`] : []), ...(topK > 0 ? [`topK ${topK}`] : [])];
  if (found.length === 0) return;
  warnings.warn(
    'TruncatedSampling',
    `sampling with ${found.join(' and ')} leaves out tokens that the loss counts on: the policy gradient is exact only with topP 1 and topK 0`,
  );
}

/** Warns of a quota that the prompts did not fill: the mixture that the rows make is another one than was asked for. */
export function warnOfQuotas({ quotas = {}, pairs }: SampleSettings, metrics: Metrics, warnings: Warnings): void {
  const found = Object.entries(quotas).flatMap(([domain, quota = 0]) => {
    const rows = (metrics[`kept/${domain}`] ?? 0) / (pairs === undefined ? 1 : 2);
    return rows < quota ? [`${rows} of ${quota} rows of the domain ${domain}`] : [];
  });
  if (found.length === 0) return;
  warnings.warn(
    'QuotaNotFilled',
    `kept ${found.join(' and ')}: give more prompts, more completions of each (perPrompt), or keep more of them (keepPerPrompt)`,
  );
}
