import { expect, test } from '@jest/globals';
import { dataset } from '../../../../trainer/contract/settings/dataset.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { mostHosts } from '../../../../trainer/rewards/code/most-hosts.ts';
import { programsMemory } from '../../../../trainer/stages/checks/programs-memory.ts';

const datasets = [
  dataset.parse({ name: 'programs', file: 'programs.jsonl', answer: { kind: 'code' } }),
  dataset.parse({ name: 'sums', file: 'sums.jsonl', answer: { kind: 'number' } }),
];
const grpo = (more: object) => ({ grpo: { prompts: ['sums'], steps: 1, rewards: [{ accuracy: {} }], ...more } });
const python = { what: `${mostHosts} processes for programs in Python`, bytes: mostHosts * 230 * 2 ** 20 };

test.each([
  { name: 'sums take none', settings: grpo({}), parts: [] },
  {
    name: 'programs as answers may',
    settings: grpo({ prompts: ['sums', 'programs'] }),
    parts: [{ ...python, certain: false }],
  },
  {
    name: 'so they may where they are sampled',
    settings: { sample: { prompts: ['programs'] } },
    parts: [{ ...python, certain: false }],
  },
  { name: 'those that are learned from are not run', settings: { sft: { data: ['programs'] } }, parts: [] },
  { name: 'Python as a tool does', settings: grpo({ tools: ['python'] }), parts: [{ ...python, certain: true }] },
  { name: 'another tool does not', settings: grpo({ tools: ['calculator'] }), parts: [] },
])('of memory for programs, $name', ({ settings, parts }) => {
  expect(programsMemory({ settings: stageSettings.parse(settings), datasets })).toEqual(parts);
});
