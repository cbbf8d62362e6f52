import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { rewardModule, rewardPython } from '../../../../trainer/contract/settings/own-functions.ts';
import { RewardModule } from '../../../../trainer/rewards/modules/reward-module.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const project = new URL('../../../../', import.meta.url);
const directory = useTemporaryDirectory();

/** The example of docs/rewards.md that begins with a comment of its name; or a file of `examples/rewards`. */
async function textOf(name: string): Promise<string> {
  if (name.startsWith('examples/')) return readFile(new URL(name, project), 'utf8');
  const page = await readFile(new URL('docs/rewards.md', project), 'utf8');
  const [, text] = new RegExp(`\`\`\`(?:[tj]s|py)\n((?://|#) ${name}[^]*?)\`\`\``).exec(page) ?? [];
  if (text === undefined) throw new Error(`docs/rewards.md has no ${name}`);
  return text;
}

const units = {
  answer: '12 km',
  scores: { '<answer>12 km</answer>': 1, '<answer>12 m</answer>': 0.5, '<answer>13 km</answer>': 0, '12 km': 0 },
};

test.each([
  { name: 'rewards/units.ts', ...units },
  { name: 'rewards/units.py', ...units },
  { name: 'verifiers/short.ts', answer: '', scores: { 'a b': 1, 'a b c': 0.5, 'a b c d': 0, '': 0 } },
  { name: 'rewards/distinct.js', answer: '1', scores: { a: 1, b: 1 } },
  {
    name: 'examples/rewards/near-sum.ts',
    answer: '85',
    scores: { '<think>47+38</think><answer>85</answer>': 1, '<answer>84</answer>': 0.5, '85': 0 },
  },
])('$name scores as it says', scoresAsItSays);

interface Example {
  readonly name: string;
  readonly answer: string;
  readonly scores: Readonly<Record<string, number>>;
}

async function scoresAsItSays({ name, answer, scores }: Example): Promise<void> {
  const file = join(directory(), name.replaceAll('/', '-'));
  await writeFile(file, await textOf(name));
  const module = await (name.endsWith('.py')
    ? RewardModule.openPython(rewardPython.parse({ file }))
    : RewardModule.open(rewardModule.parse({ file })));
  try {
    const row = { id: '1', dataset: 'd', domain: 'reasoning' as const, messages: [], columns: { words: 2 } };
    const samples = Object.keys(scores).map((completion) => ({ completion, answer, prompt: '', row }));
    expect(await module.score(samples)).toEqual(Object.values(scores));
  } finally {
    module.close();
  }
}
