import { expect, test } from '@jest/globals';
import { Command } from 'commander';
import { type ChatOptions, chatOptions, trainerChatOption } from '../../cli/chat-options.ts';

test.each([
  { args: [], told: [] },
  { args: ['--stop', '</answer>', '--stop', '\n\n'], told: ['--chat={"stop":["</answer>","\\n\\n"]}'] },
  {
    args: [
      '--template-argument',
      'enable_thinking=false',
      '--template-argument',
      'style=a=b',
      '--prefill',
      '<think>\n',
    ],
    told: ['--chat={"arguments":{"enable_thinking":false,"style":"a=b"},"prefill":"<think>\\n"}'],
  },
])('the trainer is told $told', ({ args, told }) => {
  const command = new Command();
  for (const option of chatOptions()) command.addOption(option);
  command.parse(args, { from: 'user' });
  expect(trainerChatOption(command.opts<ChatOptions>())).toEqual(told);
});
