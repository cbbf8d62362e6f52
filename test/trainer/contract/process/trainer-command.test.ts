import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { trainerCommand, trainerFlags } from '../../../../trainer/contract/process/trainer-command.ts';

test('the trainer started by its name has the flags of the one that we start', async () => {
  const [firstLine] = (await readFile(trainerCommand().at(-1) as string, 'utf8')).split('\n');
  expect(firstLine).toBe(`#!/usr/bin/env -S node ${trainerFlags.join(' ')}`);
});
