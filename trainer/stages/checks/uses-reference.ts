import type { GrpoSettings } from '../../contract/settings/settings.ts';

/** Whether anything needs the reference policy: its weights are one model more in memory, and its pass a part of every step. */
export function usesReference({ kl }: GrpoSettings): boolean {
  return kl.coefficient > 0 || kl.report === true;
}
