import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach } from '@jest/globals';
import { rewardPython } from '../../trainer/contract/settings/own-functions.ts';
import type { Sample } from '../../trainer/rewards/modules/protocol.ts';
import { type PythonFile, RewardModule } from '../../trainer/rewards/modules/reward-module.ts';
import { useTemporaryDirectory } from './temporary-directory.ts';

/** Opens rewards in Python, which are closed after each test. */
export function usePythonRewards(defaults: Partial<PythonFile> = {}) {
  const directory = useTemporaryDirectory();
  const opened: RewardModule[] = [];
  afterEach(() => opened.splice(0).forEach((module) => module.close()));

  const openFile = async (
    settings: Partial<PythonFile> & { file: string },
    signal?: AbortSignal,
  ): Promise<RewardModule> => {
    const module = await RewardModule.openPython(
      rewardPython.parse({ timeoutSeconds: 60, ...defaults, ...settings }),
      signal,
    );
    opened.push(module);
    return module;
  };
  const open = async (source: string, settings: Partial<PythonFile> = {}): Promise<RewardModule> => {
    const file = join(directory(), 'units.py');
    await writeFile(file, source);
    return openFile({ file, ...settings });
  };
  return { directory, openFile, open };
}

export const sample = (completion: string, answer: string | null = '12 km', prompt = 'How far?'): Sample => ({
  completion,
  ...(answer !== null && { answer }),
  prompt,
  row: { id: 'ways/1', dataset: 'ways', domain: 'reasoning', messages: [{ role: 'user', content: prompt }] },
});

export const samples = (...completions: string[]): Sample[] => completions.map((completion) => sample(completion));
